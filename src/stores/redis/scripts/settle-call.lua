-- Lets go of what a call held, once its charge is in the ledger, and takes over the wallets as the ledger has them.
-- Settling twice changes nothing (R7): the hold goes with the call, and an older wallet never replaces a newer one.
--
-- The slots go too, in case the end of the call never reached this Redis.
--
-- KEYS  1 call  2 tombstone of the call  3 wallet of the payer  4 calls of the server  5 wallet of the reseller
-- ARGV  1 JSON of the wallet, as load-wallet has it, or '' when nothing was charged
--       2 the same of the reseller: { version, balance }, or ''  3 tombstone_ms  4 call_id
-- Gives 1, or 0 when the call was settled before or is unknown

if ARGV[1] ~= '' then take_over(KEYS[3], cjson.decode(ARGV[1])) end
if ARGV[2] ~= '' then take_over(KEYS[5], cjson.decode(ARGV[2])) end
redis.call('SET', KEYS[2], 1, 'PX', ARGV[3])
redis.call('ZREM', KEYS[4], ARGV[4])
local call, grant = read_call(KEYS[1])
if not call then return 0 end
hold(call, grant, NOTHING)
for key in string.gmatch(call.slots, '%S+') do redis.call('ZREM', key, ARGV[4]) end
redis.call('DEL', KEYS[1])
return 1
