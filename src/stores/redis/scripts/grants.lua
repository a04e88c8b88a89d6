-- Prelude of admit-call and extend-call: how much of a wallet one more slice may take.
-- All numbers are whole seconds and micro-reais below 2^53, so that Lua's doubles stay exact.

local function read_wallet(key, slot)
  local fields = { 'balance', 'held', 'left:' .. slot, 'held:' .. slot }
  local values = redis.call('HMGET', key, unpack(fields))
  return {
    balance = tonumber(values[1]) or 0,
    held = tonumber(values[2]) or 0,
    left = tonumber(values[3]) or 0,
    held_seconds = tonumber(values[4]) or 0,
  }
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

-- How many more paid seconds the money carries beyond those held already. Nobody talks longer than a billion
-- seconds, and whoever makes a date of it needs a bound.
local function affordable(wallet, rate, paid, credit)
  if rate.price == 0 then return 1e9 end
  local free = wallet.balance + credit - wallet.held + price_of(rate.price, paid)
  if free < 0 then return 0 end
  return math.min(1e9, math.max(0, math.floor((60 * free + 29) / rate.price) - paid))
end

-- Slices shrink with what is left, so that one call does not hold what another could talk with.
local function sized(total, block, available, slice, rate)
  local wish = math.max(block, math.min(slice, math.floor(available / 2)))
  return math.max(block, floor_to_block(total + wish, rate) - total)
end

-- One more slice for a call that holds `bundle` and `paid` seconds. Minutes come first; a call that went over to
-- money stays there. A block that minutes cannot fill alone is filled up with money, or not granted.
-- Returns the new bundle and paid seconds, and how many more could be granted after them.
local function grow(wallet, rate, slot, bundle, paid, credit, slice)
  local total = bundle + paid
  local block = total < rate.initial and rate.initial - total or rate.increment
  local left = 0
  if slot ~= '' and paid == 0 then left = math.max(0, wallet.left - wallet.held_seconds) end
  local more = affordable(wallet, rate, paid, credit)
  local add_bundle, add_paid = 0, 0
  if left >= block then
    add_bundle = sized(total, block, left, slice, rate)
  elseif left + more >= block then
    add_bundle = left
    add_paid = left > 0 and block - left or sized(total, block, more, slice, rate)
  end
  return bundle + add_bundle, paid + add_paid, left - add_bundle + more - add_paid
end

-- Moves the holds of a call from its old grant to its new one.
local function hold(key, rate, slot, old_bundle, old_paid, bundle, paid)
  local money = price_of(rate.price, paid) - price_of(rate.price, old_paid)
  if money ~= 0 then redis.call('HINCRBY', key, 'held', string.format('%.0f', money)) end
  if bundle ~= old_bundle then redis.call('HINCRBY', key, 'held:' .. slot, bundle - old_bundle) end
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
