-- Remembers when a call was answered, by its switch's clock. The first time told stays.
--
-- KEYS  1 call
-- ARGV  1 answered_at_ms
-- Gives 1, or 0 when the call is unknown

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'answered', ARGV[1])
return 1
