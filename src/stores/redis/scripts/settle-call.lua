-- Lets go of what a call held, once its charge is in the ledger, and takes over the wallet as the ledger has it.
-- Settling twice changes nothing (R7): the hold goes with the call, and an older wallet never replaces a newer one.
--
-- The slots go too, in case the end of the call never reached this Redis.
--
-- KEYS  1 call  2 tombstone of the call  3 wallet of the payer  4 calls of the server
-- ARGV  1 JSON { version, balance, cycle, left: { slot: seconds } }, or '' when nothing was charged
--       2 tombstone_ms  3 call_id
-- Gives 1, or 0 when the call was settled before or is unknown

if ARGV[1] ~= '' then take_over(KEYS[3], cjson.decode(ARGV[1])) end
redis.call('SET', KEYS[2], 1, 'PX', ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[3])
local call = redis.call('HMGET', KEYS[1], 'rate', 'slot', 'bundle', 'paid', 'slots')
if not call[1] then return 0 end
if call[1] ~= '' then hold(KEYS[3], cjson.decode(call[1]), call[2], tonumber(call[3]), tonumber(call[4]), 0, 0) end
for key in string.gmatch(call[5], '%S+') do redis.call('ZREM', key, ARGV[3]) end
redis.call('DEL', KEYS[1])
return 1
