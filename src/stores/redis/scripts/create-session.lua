-- Keeps a new session and enters it where it is revoked by.
--
-- KEYS  1 session  2… indexes: of its user and of every tenant it belongs to or acts as
-- ARGV  1 session_id  2 data  3 idle_ms  4 lifetime_ms
-- Gives { created_ms, expires_ms }, by the clock of Redis

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = now + tonumber(ARGV[4])
local indexes = {}
for i = 2, #KEYS do
  local key = KEYS[i]
  indexes[i - 1] = key
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, expires, ARGV[1])
  -- An index lives as long as the last of its sessions may.
  redis.call('PEXPIREAT', key, redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
end
redis.call('HSET', KEYS[1], 'data', ARGV[2], 'created', now, 'expires', expires,
  'indexes', table.concat(indexes, ' '))
redis.call('PEXPIREAT', KEYS[1], math.min(now + tonumber(ARGV[3]), expires))
return { now, expires }
