-- Frees the slots of a call that is over. What it holds of its payer's wallet stays held until it is settled.
-- The keys of the slots are read from the call, so that a release frees exactly what was taken (R2).
--
-- KEYS  1 call  2 calls of the server
-- ARGV  1 call_id
-- Gives 1, or 0 when it was over already or unknown

local call = redis.call('HMGET', KEYS[1], 'slots', 'ended')
redis.call('ZREM', KEYS[2], ARGV[1])
if not call[1] or call[2] then return 0 end
for key in string.gmatch(call[1], '%S+') do redis.call('ZREM', key, ARGV[1]) end
redis.call('HSET', KEYS[1], 'ended', 1)
return 1
