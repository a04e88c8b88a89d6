-- The line that answered a call takes part in it: its slot is taken, whatever its limit, because it talks already.
--
-- KEYS  1 call  2 slots of the line
-- ARGV  1 call_id  2 lease_ms  3 facts of the call from now on
-- Gives 1, or 0 when the call is over or unknown

local call = redis.call('HMGET', KEYS[1], 'slots', 'ended')
if not call[1] or call[2] then return 0 end
redis.call('HSET', KEYS[1], 'facts', ARGV[3])
for key in string.gmatch(call[1], '%S+') do
  if key == KEYS[2] then return 1 end
end
redis.call('ZADD', KEYS[2], now_ms() + tonumber(ARGV[2]), ARGV[1])
redis.call('HSET', KEYS[1], 'slots', call[1] == '' and KEYS[2] or call[1] .. ' ' .. KEYS[2])
return 1
