-- One more slice for a call that runs (R5). Changes nothing when there is nothing left.
--
-- KEYS  1 call  2 wallet of the payer
-- ARGV  1 credit, micro-reais below zero the payer may go  2 slice, seconds
-- Gives JSON { code, … }
--   EXTENDED { bundle, paid, more }   totals granted so far; the same as before when nothing was left
--   GONE                              the call is ended or unknown

local call = redis.call('HMGET', KEYS[1], 'rate', 'slot', 'bundle', 'paid', 'ended')
if not call[1] or call[1] == '' or call[5] then return cjson.encode({ code = 'GONE' }) end
local rate, slot = cjson.decode(call[1]), call[2]
local old_bundle, old_paid = tonumber(call[3]), tonumber(call[4])
local bundle, paid, more =
  grow(read_wallet(KEYS[2], slot), rate, slot, old_bundle, old_paid, tonumber(ARGV[1]), tonumber(ARGV[2]))
hold(KEYS[2], rate, slot, old_bundle, old_paid, bundle, paid)
redis.call('HSET', KEYS[1], 'bundle', bundle, 'paid', paid)
return cjson.encode({ code = 'EXTENDED', bundle = bundle, paid = paid, more = more })
