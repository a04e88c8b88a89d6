-- Takes a slot at every level and reserves the first slice, or changes nothing (R1, R5).
--
-- KEYS  1 epoch  2 call  3 tombstone of the call  4 wallet of the payer  5 calls of the server
--       6 wallet of the reseller  7… one per claim, then one per pace, then the call `root`, if there is one
-- ARGV  1 JSON { epoch, call_id, lease_ms, facts, cycle, cycle2, slot, credit, reseller_credit, cap, behind, slice,
--                rate, wholesale: null | { price, initial, increment }, claims: [{ limit, reserved, kept }],
--                paces: [calls a second], root: null | call_id, adopt: null | { bundle, paid, bundle2, paid2, turn } }
--       cap: null, or what a day may cost; behind: ms that the clock of those days is behind UTC
--       adopt: a call that runs already; it passes limits and means
--       root: the running call that this one goes on with, transferred. Where `kept`, it gives its slot to this one
-- Gives JSON { code, … }
--   ADMITTED { bundle, paid, bundle2, paid2, turn, more }   the same call asked again gets its first answer
--   TOO_FAST { pace }                 pace: index from 0 into paces
--   LIMIT { claim, holders }          claim: index from 0 into claims
--   NO_CREDIT, RESELLER_NO_CREDIT     nothing is left of the subscriber's, or of its reseller's means
--   DAILY_CAP                         money is there, and the day may not cost more
--   WALLET_UNKNOWN, RESELLER_UNKNOWN  load the wallet, with the cycle, and ask again
--   ENDED                             the call is over and settled
--   NO_EPOCH                          this Redis does not know the calls that run; rebuild it first

local PACE_ms = 1000
local input = cjson.decode(ARGV[1])
local given = function(value) return value ~= cjson.null and value or nil end
local adopt = given(input.adopt)

if not adopt and redis.call('GET', KEYS[1]) ~= input.epoch then return cjson.encode({ code = 'NO_EPOCH' }) end
if redis.call('EXISTS', KEYS[3]) == 1 then return cjson.encode({ code = 'ENDED' }) end
local first = redis.call('HGET', KEYS[2], 'answer')
if first then return first end

-- Whether it is the day's cap alone that stops a call.
local function capped(call, input)
  local uncapped = { credit = input.credit, reseller_credit = input.reseller_credit, slice = input.slice }
  return total_of((grow(call, NOTHING, means_of(call, NOTHING, uncapped)))) > 0
end

-- The slots that the transferred call has, between spaces.
local root = given(input.root)
local root_key = KEYS[7 + #input.claims + #input.paces]
local of_root = root and redis.call('HMGET', root_key, 'slots', 'ended') or {}
local root_slots = (of_root[1] and not of_root[2]) and (' ' .. of_root[1] .. ' ') or ''
local handed = function(i)
  return input.claims[i].kept and string.find(root_slots, ' ' .. KEYS[6 + i] .. ' ', 1, true)
end

local now = now_ms()
local pace_key = function(i) return KEYS[6 + #input.claims + i] end
if not adopt then
  for i, most in ipairs(input.paces) do
    -- When the last calls began, newest first: within a second before any moment no more than `most`.
    local oldest = tonumber(redis.call('LINDEX', pace_key(i), most - 1))
    if oldest and now - oldest < PACE_ms then return cjson.encode({ code = 'TOO_FAST', pace = i - 1 }) end
  end
  for i, claim in ipairs(input.claims) do
    local key = KEYS[6 + i]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if not handed(i) and redis.call('ZCARD', key) >= claim.limit - claim.reserved then
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
  local known = redis.call('HEXISTS', call.wallet, 'version') == 1
  -- One that was kept before days were counted does not tell what today has cost.
  if given(input.cap) then known = known and redis.call('HEXISTS', call.wallet, 'spent') == 1 end
  if not known then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
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
    if total_of(grant) == 0 then
      local code = stopped and 'RESELLER_NO_CREDIT' or capped(call, input) and 'DAILY_CAP' or 'NO_CREDIT'
      return cjson.encode({ code = code })
    end
  end
  hold(call, NOTHING, grant)
end

local slots, given_up, left = {}, {}, {}
for i in ipairs(input.claims) do
  if handed(i) then
    redis.call('ZREM', KEYS[6 + i], root)
    given_up[KEYS[6 + i]] = true
  end
  redis.call('ZADD', KEYS[6 + i], now + input.lease_ms, input.call_id)
  slots[i] = KEYS[6 + i]
end
for key in string.gmatch(root_slots, '%S+') do
  if not given_up[key] then left[#left + 1] = key end
end
if next(given_up) then redis.call('HSET', root_key, 'slots', table.concat(left, ' ')) end
for i, most in ipairs(adopt and {} or input.paces) do
  redis.call('LPUSH', pace_key(i), now)
  redis.call('LTRIM', pace_key(i), 0, most - 1)
  redis.call('PEXPIRE', pace_key(i), PACE_ms)
end
redis.call('ZADD', KEYS[5], now, input.call_id)
local answer = tell('ADMITTED', grant, more)
redis.call('HSET', KEYS[2], 'answer', answer, 'facts', input.facts, 'slots', table.concat(slots, ' '),
  'slot', call.slot, 'cycle', call.cycle, 'cycle2', call.cycle2, 'wallet', call.wallet, 'reseller', call.reseller,
  'rate', call.rate and cjson.encode(call.rate) or '', 'wholesale', call.wholesale and cjson.encode(call.wholesale) or '')
write_grant(KEYS[2], grant)
return answer
