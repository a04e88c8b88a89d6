-- Sets money apart that somebody is about to move away, so that no call can be granted it meanwhile. What running calls
-- hold cannot be moved. A move that is never told to be over (its process died) is let go of when its lease ends.
--
-- KEYS  1 wallet  2 moves of all wallets, by the end of their lease
-- ARGV  1 move_id  2 amount  3 credit, micro-reais below zero that the wallet may go  4 lease_ms  5 prefix of moves
-- Gives HELD, NOT_ENOUGH, or UNKNOWN when the wallet has to be loaded first

local now = now_ms()
sweep_moves(ARGV[5], KEYS[2], now)
if redis.call('HEXISTS', KEYS[1], 'version') == 0 then return 'UNKNOWN' end
if free_money(KEYS[1], tonumber(ARGV[3])) < tonumber(ARGV[2]) then return 'NOT_ENOUGH' end
redis.call('HINCRBY', KEYS[1], 'moving', ARGV[2])
redis.call('HSET', ARGV[5] .. ARGV[1], 'wallet', KEYS[1], 'amount', ARGV[2])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
return 'HELD'
