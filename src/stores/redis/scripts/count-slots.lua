-- How many calls hold each of these slots now.
--
-- KEYS  one per claim
-- Gives as many numbers

local now, taken = now_ms(), {}
for i, key in ipairs(KEYS) do taken[i] = redis.call('ZCOUNT', key, '(' .. now, '+inf') end
return taken
