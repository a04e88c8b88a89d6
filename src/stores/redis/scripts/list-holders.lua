-- Which calls hold each of these slots now.
--
-- KEYS  one per claim
-- Gives as many lists of call ids

local now, held = now_ms(), {}
for i, key in ipairs(KEYS) do held[i] = redis.call('ZRANGE', key, '(' .. now, '+inf', 'BYSCORE') end
return held
