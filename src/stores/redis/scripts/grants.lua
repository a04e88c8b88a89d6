-- Prelude of the scripts that grant, extend and let go: how much of the wallets one more slice may take.
-- All numbers are whole seconds and micro-reais below 2^53, so that Lua's doubles stay exact.
--
-- A grant is { bundle, paid, bundle2, paid2, turn }: seconds of the cycle that the call began in, and of the one that
-- begins after `turn` seconds of talk (nil: none is near). A call is { slot, rate, cycle, cycle2, wholesale, keys of its
-- payer's and its reseller's wallet }; its rates are { price, initial, increment }.

local MOST_seconds = 1e9

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Half-up to the micro, as priceOfSeconds in the domain.
local function price_of(price, seconds)
  return math.floor((price * seconds + 30) / 60)
end

-- The last block boundary of the cadence at or below this many billed seconds.
local function floor_to_block(seconds, rate)
  if seconds < rate.initial then return 0 end
  return rate.initial + math.floor((seconds - rate.initial) / rate.increment) * rate.increment
end

-- Seconds to the next block boundary after this many billed seconds.
local function block_after(seconds, rate)
  if seconds < rate.initial then return rate.initial - seconds end
  return rate.increment - (seconds - rate.initial) % rate.increment
end

-- Billed seconds of a talk, short calls not being free: what is held is never less than what is charged.
local function billed(talk, rate)
  if talk <= 0 then return 0 end
  if talk <= rate.initial then return rate.initial end
  return rate.initial + math.ceil((talk - rate.initial) / rate.increment) * rate.increment
end

local function total_of(grant)
  return grant.bundle + grant.paid + grant.bundle2 + grant.paid2
end

local NOTHING = { bundle = 0, paid = 0, bundle2 = 0, paid2 = 0 }

local function wholesale_of(call, grant)
  if not call.wholesale then return 0 end
  return price_of(call.wholesale.price, billed(total_of(grant), call.wholesale))
end

-- Moves what a call holds from its old grant to its new one.
local function hold(call, old, new)
  if not call.rate then return end
  local money = price_of(call.rate.price, new.paid + new.paid2) - price_of(call.rate.price, old.paid + old.paid2)
  if money ~= 0 then redis.call('HINCRBY', call.wallet, 'held', string.format('%.0f', money)) end
  if new.bundle ~= old.bundle then
    redis.call('HINCRBY', call.wallet, 'held:' .. call.cycle .. ':' .. call.slot, new.bundle - old.bundle)
  end
  if new.bundle2 ~= old.bundle2 then
    redis.call('HINCRBY', call.wallet, 'held:' .. call.cycle2 .. ':' .. call.slot, new.bundle2 - old.bundle2)
  end
  local bought = wholesale_of(call, new) - wholesale_of(call, old)
  if bought ~= 0 then redis.call('HINCRBY', call.reseller, 'held', string.format('%.0f', bought)) end
end

-- Minutes of a slot in a cycle that nobody holds; nil when that cycle is not loaded.
local function free_minutes(call, cycle)
  if call.slot == '' then return 0 end
  local values = redis.call('HMGET', call.wallet, 'left:' .. cycle .. ':' .. call.slot, 'held:' .. cycle .. ':' .. call.slot)
  if not values[1] then return nil end
  return math.max(0, tonumber(values[1]) - (tonumber(values[2]) or 0))
end

-- `held` is by calls, `moving` by moves of money.
local function free_money(key, credit)
  local values = redis.call('HMGET', key, 'balance', 'held', 'moving')
  return (tonumber(values[1]) or 0) + credit - (tonumber(values[2]) or 0) - (tonumber(values[3]) or 0)
end

-- What is left of a day's cap: what the calls cost that ended today, and all that calls hold now, are spent of it. Days
-- are counted from 1970, in a place whose clock is input.behind ms behind UTC.
local function left_of_cap(key, input)
  local cap = tonumber(input.cap)
  if not cap then return math.huge end
  local values = redis.call('HMGET', key, 'day', 'spent', 'held')
  local today = math.floor((now_ms() - input.behind) / 86400000)
  local spent = (tonumber(values[1]) or 0) >= today and tonumber(values[2]) or 0
  return cap - spent - (tonumber(values[3]) or 0)
end

-- Money that a call may be granted of its payer's.
local function spendable(call, input)
  return math.min(free_money(call.wallet, input.credit), left_of_cap(call.wallet, input))
end

-- How many seconds a price and so much money carry in all, `paid` of them being held already. Nobody talks longer than
-- a billion seconds, and whoever makes a date of it needs a bound.
local function affordable(price, free, paid)
  if price == 0 then return MOST_seconds end
  local money = free + price_of(price, paid)
  if money < 0 then return 0 end
  return math.min(MOST_seconds, math.floor((60 * money + 29) / price))
end

-- How many more seconds the reseller's own money carries: whole blocks of its cadence.
local function reseller_more(call, grant, credit)
  local rate, total = call.wholesale, total_of(grant)
  if not rate then return math.huge end
  local most = affordable(rate.price, free_money(call.reseller, credit), billed(total, rate))
  return math.max(0, (rate.price == 0 and most or floor_to_block(most, rate)) - total)
end

-- Slices shrink with what is left, so that one call does not hold what another could talk with.
local function sized(total, block, available, slice, rate)
  local wish = math.max(block, math.min(slice, math.floor(available / 2)))
  return math.max(block, floor_to_block(total + wish, rate) - total)
end

-- What is granted beyond the turn of the cycle goes over to the new one: its minutes first, then money, and what
-- neither covers is taken back.
local function turn_over(call, grant, turn, minutes2, input)
  local over = math.max(0, total_of(grant) - turn)
  local paid = math.max(0, grant.paid - over)
  local bundle = grant.bundle - (over - (grant.paid - paid))
  local bundle2 = math.min(minutes2, over)
  local free = spendable(call, input) + price_of(call.rate.price, grant.paid) - price_of(call.rate.price, paid)
  local paid2 = math.min(over - bundle2, math.max(0, affordable(call.rate.price, free, paid) - paid))
  return { bundle = bundle, paid = paid, bundle2 = bundle2, paid2 = paid2, turn = turn }
end

-- One more slice, or the grant as it was. Minutes come first; a call that went over to money stays there until its cycle
-- turns. A block that minutes cannot fill alone is filled up with money, or not granted; the block in which the cycle
-- turns is shared by both cycles. `minutes2`: free ones of the next cycle, if the turn is near.
-- Returns the new grant, how many more seconds could be granted after it, and whether the reseller's money stopped it.
local function grow(call, grant, means)
  local rate, total = call.rate, total_of(grant)
  local block = block_after(total, rate)
  local turned = grant.turn and total >= grant.turn
  local stays = turned and grant.paid2 > 0 or not turned and grant.paid > 0
  local minutes = stays and 0 or turned and means.minutes2 or means.minutes
  local money = math.max(0, means.seconds - grant.paid - grant.paid2)
  local to_turn = not turned and grant.turn and grant.turn - total or math.huge
  local add = { bundle = 0, paid = 0, bundle2 = 0, paid2 = 0 }

  if means.reseller < block then
    -- Nothing: the reseller cannot buy the block.
  elseif block > to_turn then
    add.bundle = math.min(minutes, to_turn)
    add.bundle2 = math.min(means.minutes2, block - to_turn)
    add.paid = to_turn - add.bundle
    add.paid2 = block - to_turn - add.bundle2
    if add.paid + add.paid2 > money then add = NOTHING end
  else
    local most = math.min(means.reseller, to_turn)
    local bundle, paid = 0, 0
    if minutes >= block then
      bundle = sized(total, block, math.min(minutes, means.reseller), math.min(means.slice, most), rate)
    elseif minutes + money >= block then
      bundle = minutes
      local wish = math.min(means.slice, most)
      paid = minutes > 0 and block - minutes or sized(total, block, math.min(money, means.reseller), wish, rate)
    end
    if turned then add.bundle2, add.paid2 = bundle, paid else add.bundle, add.paid = bundle, paid end
  end

  local own = minutes + money
  -- Beyond the turn the new cycle's minutes come before what is left of the money.
  if own > to_turn then own = to_turn + means.minutes2 + money - math.max(0, to_turn - minutes) end
  local added = total_of(add)
  local new = {
    bundle = grant.bundle + add.bundle, paid = grant.paid + add.paid,
    bundle2 = grant.bundle2 + add.bundle2, paid2 = grant.paid2 + add.paid2, turn = grant.turn,
  }
  return new, math.min(own, means.reseller) - added, means.reseller < block
end

-- What a call may draw on now; nil when a cycle that it needs is not loaded.
local function means_of(call, grant, input)
  local minutes, minutes2 = free_minutes(call, call.cycle), 0
  if grant.turn then minutes2 = free_minutes(call, call.cycle2) end
  if not minutes or not minutes2 then return nil end
  return {
    minutes = minutes, minutes2 = minutes2, slice = input.slice,
    seconds = affordable(call.rate.price, spendable(call, input), grant.paid + grant.paid2),
    reseller = reseller_more(call, grant, input.reseller_credit),
  }
end

local FIELDS = { 'slot', 'rate', 'cycle', 'cycle2', 'wholesale', 'wallet', 'reseller',
  'bundle', 'paid', 'bundle2', 'paid2', 'turn', 'ended', 'slots' }

-- A call as it is kept, and its grant; nil when it is unknown.
local function read_call(key)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  if not values[1] then return nil end
  local call = {}
  for i, name in ipairs(FIELDS) do call[name] = values[i] or nil end
  call.rate = call.rate ~= '' and cjson.decode(call.rate) or nil
  call.wholesale = call.wholesale ~= '' and cjson.decode(call.wholesale) or nil
  local grant = { turn = tonumber(call.turn) }
  for _, name in ipairs({ 'bundle', 'paid', 'bundle2', 'paid2' }) do grant[name] = tonumber(call[name]) end
  return call, grant
end

local function write_grant(key, grant)
  redis.call('HSET', key, 'bundle', grant.bundle, 'paid', grant.paid, 'bundle2', grant.bundle2, 'paid2', grant.paid2)
  if grant.turn then redis.call('HSET', key, 'turn', grant.turn) end
end

local function tell(code, grant, more)
  return cjson.encode({
    code = code, bundle = grant.bundle, paid = grant.paid, bundle2 = grant.bundle2, paid2 = grant.paid2,
    turn = grant.turn, more = more,
  })
end
