-- Prolongs the leases of calls that still run on a server.
--
-- KEYS  1 calls of the server  2… one per call, and the owner
-- ARGV  1 lease_ms  2 '1' when the switch itself showed the calls (proof of life), '0' when it cannot be
--       asked and its leases are frozen (R4)  3… call ids, in the order of the keys, and the token
-- Gives how many were prolonged

local now, renewed = now_ms(), 0
for i = 2, #KEYS - 1 do
  local id = ARGV[i + 1]
  local call = redis.call('HMGET', KEYS[i], 'slots', 'ended')
  if call[1] and not call[2] then
    for key in string.gmatch(call[1], '%S+') do redis.call('ZADD', key, now + tonumber(ARGV[1]), id) end
    if ARGV[2] == '1' then redis.call('ZADD', KEYS[1], now, id) end
    renewed = renewed + 1
  end
end
return renewed
