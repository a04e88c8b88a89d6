-- Reads a session and puts its idle expiry off, never beyond its absolute one.
--
-- KEYS  1 session
-- ARGV  1 idle_ms
-- Gives { data, created_ms, expires_ms }, or nothing when it is unknown or over

local found = redis.call('HMGET', KEYS[1], 'data', 'created', 'expires')
local expires = tonumber(found[3])
if not expires then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('PEXPIREAT', KEYS[1], math.min(now + tonumber(ARGV[1]), expires))
return found
