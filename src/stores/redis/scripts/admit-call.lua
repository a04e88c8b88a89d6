-- Takes a slot at every level and reserves the first slice, or changes nothing (R1, R5).
--
-- KEYS  1 epoch  2 call  3 tombstone of the call  4 wallet of the payer  5 calls of the server
--       6 wallet of the reseller  7… one per claim
-- ARGV  1 JSON { epoch, call_id, lease_ms, facts, cycle, cycle2, slot, credit, reseller_credit, slice,
--                rate, wholesale: null | { price, initial, increment }, claims: [{ limit }],
--                adopt: null | { bundle, paid, bundle2, paid2, turn } }
--       adopt: a call that runs already; it passes limits and means
-- Gives JSON { code, … }
--   ADMITTED { bundle, paid, bundle2, paid2, turn, more }   the same call asked again gets its first answer
--   LIMIT { claim, holders }          claim: index from 0 into claims
--   NO_CREDIT, RESELLER_NO_CREDIT     nothing is left of the subscriber's, or of its reseller's means
--   WALLET_UNKNOWN, RESELLER_UNKNOWN  load the wallet, with the cycle, and ask again
--   ENDED                             the call is over and settled
--   NO_EPOCH                          this Redis does not know the calls that run; rebuild it first

local input = cjson.decode(ARGV[1])
local given = function(value) return value ~= cjson.null and value or nil end
local adopt = given(input.adopt)

if not adopt and redis.call('GET', KEYS[1]) ~= input.epoch then return cjson.encode({ code = 'NO_EPOCH' }) end
if redis.call('EXISTS', KEYS[3]) == 1 then return cjson.encode({ code = 'ENDED' }) end
local first = redis.call('HGET', KEYS[2], 'answer')
if first then return first end

local now = now_ms()
if not adopt then
  for i, claim in ipairs(input.claims) do
    local key = KEYS[6 + i]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if redis.call('ZCARD', key) >= claim.limit then
      return cjson.encode({ code = 'LIMIT', claim = i - 1, holders = redis.call('ZRANGE', key, 0, 9) })
    end
  end
end

local call = {
  slot = given(input.slot) or '', rate = given(input.rate), wholesale = given(input.wholesale),
  cycle = input.cycle, cycle2 = input.cycle2, wallet = KEYS[4], reseller = KEYS[6],
}
local grant, more = NOTHING, 0
if call.rate then
  if redis.call('HEXISTS', call.wallet, 'version') == 0 then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
  if call.wholesale and redis.call('HEXISTS', call.reseller, 'version') == 0 then
    return cjson.encode({ code = 'RESELLER_UNKNOWN' })
  end
  if adopt then
    grant = { bundle = adopt.bundle, paid = adopt.paid, bundle2 = adopt.bundle2, paid2 = adopt.paid2, turn = given(adopt.turn) }
  else
    local means = means_of(call, NOTHING, input)
    if not means then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
    local stopped
    grant, more, stopped = grow(call, NOTHING, means)
    if total_of(grant) == 0 then return cjson.encode({ code = stopped and 'RESELLER_NO_CREDIT' or 'NO_CREDIT' }) end
  end
  hold(call, NOTHING, grant)
end

local slots = {}
for i in ipairs(input.claims) do
  redis.call('ZADD', KEYS[6 + i], now + input.lease_ms, input.call_id)
  slots[i] = KEYS[6 + i]
end
redis.call('ZADD', KEYS[5], now, input.call_id)
local answer = tell('ADMITTED', grant, more)
redis.call('HSET', KEYS[2], 'answer', answer, 'facts', input.facts, 'slots', table.concat(slots, ' '),
  'slot', call.slot, 'cycle', call.cycle, 'cycle2', call.cycle2, 'wallet', call.wallet, 'reseller', call.reseller,
  'rate', call.rate and cjson.encode(call.rate) or '', 'wholesale', call.wholesale and cjson.encode(call.wholesale) or '')
write_grant(KEYS[2], grant)
return answer
