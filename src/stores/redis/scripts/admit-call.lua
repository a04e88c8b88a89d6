-- Takes a slot at every level and reserves the first slice, or changes nothing (R1, R5).
--
-- KEYS  1 epoch  2 call  3 tombstone of the call  4 wallet of the payer  5 calls of the server  6… one per claim
-- ARGV  1 JSON { epoch, call_id, lease_ms, facts, cycle, slot, credit, slice,
--                rate: null | { price, initial, increment }, claims: [{ limit }],
--                adopt: null | { bundle, paid } }   adopt: a call that runs already; it passes limits and means
-- Gives JSON { code, … }
--   ADMITTED { bundle, paid, more }   the same call asked again gets its first answer
--   LIMIT { claim, holders }          claim: index from 0 into claims
--   NO_CREDIT
--   WALLET_UNKNOWN                    load the wallet and ask again
--   ENDED                             the call is over and settled
--   NO_EPOCH                          this Redis does not know the calls that run; rebuild it first

local input = cjson.decode(ARGV[1])
local rate = input.rate ~= cjson.null and input.rate or nil
local slot = input.slot ~= cjson.null and input.slot or ''
local adopt = input.adopt ~= cjson.null and input.adopt or nil

if not adopt and redis.call('GET', KEYS[1]) ~= input.epoch then return cjson.encode({ code = 'NO_EPOCH' }) end
if redis.call('EXISTS', KEYS[3]) == 1 then return cjson.encode({ code = 'ENDED' }) end
local first = redis.call('HGET', KEYS[2], 'answer')
if first then return first end

local now = now_ms()
if not adopt then
  for i, claim in ipairs(input.claims) do
    local key = KEYS[5 + i]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if redis.call('ZCARD', key) >= claim.limit then
      return cjson.encode({ code = 'LIMIT', claim = i - 1, holders = redis.call('ZRANGE', key, 0, 9) })
    end
  end
end

local bundle, paid, more = 0, 0, 0
if rate then
  local cycle = redis.call('HGET', KEYS[4], 'cycle')
  -- A call of a cycle that is over draws on the wallet as it is; a call of a new one waits until it is renewed.
  if not cycle or (not adopt and cycle < input.cycle) then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
  if adopt then
    bundle, paid = adopt.bundle, adopt.paid
  else
    bundle, paid, more = grow(read_wallet(KEYS[4], slot), rate, slot, 0, 0, input.credit, input.slice)
    if bundle + paid == 0 then return cjson.encode({ code = 'NO_CREDIT' }) end
  end
  hold(KEYS[4], rate, slot, 0, 0, bundle, paid)
end

local slots = {}
for i in ipairs(input.claims) do
  redis.call('ZADD', KEYS[5 + i], now + input.lease_ms, input.call_id)
  slots[i] = KEYS[5 + i]
end
redis.call('ZADD', KEYS[5], now, input.call_id)
local answer = cjson.encode({ code = 'ADMITTED', bundle = bundle, paid = paid, more = more })
redis.call('HSET', KEYS[2], 'answer', answer, 'facts', input.facts, 'slots', table.concat(slots, ' '),
  'slot', slot, 'bundle', bundle, 'paid', paid, 'rate', rate and cjson.encode(rate) or '')
return answer
