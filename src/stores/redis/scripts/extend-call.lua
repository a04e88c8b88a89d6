-- One more slice for a call that runs (R5). Changes nothing when there is nothing left.
--
-- KEYS  1 call  2 wallet of the payer  3 wallet of the reseller
-- ARGV  1 JSON { credit, reseller_credit, cap, behind, slice, turn }   micro-reais below zero that payer and reseller may
--       go; null, or what a day may cost, and how many ms the clock of those days is behind UTC; seconds;
--       turn: null, or the seconds of talk after which the cycle turns, once that is near
-- Gives JSON { code, … }
--   EXTENDED { bundle, paid, bundle2, paid2, turn, more }   totals granted so far; the same as before when nothing was left
--   WALLET_UNKNOWN                                          the next cycle is not loaded: load it and ask again
--   GONE                                                    the call is ended or unknown

local input = cjson.decode(ARGV[1])
local call, old = read_call(KEYS[1])
if not call or not call.rate or call.ended then return cjson.encode({ code = 'GONE' }) end

local grant = old
local turn = tonumber(input.turn)
if turn and not old.turn then
  local minutes2 = free_minutes(call, call.cycle2)
  if not minutes2 then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
  grant = turn_over(call, old, turn, minutes2, input)
  hold(call, old, grant)
  write_grant(KEYS[1], grant)
end
local means = means_of(call, grant, input)
if not means then return cjson.encode({ code = 'WALLET_UNKNOWN' }) end
local new, more = grow(call, grant, means)
hold(call, grant, new)
write_grant(KEYS[1], new)
return tell('EXTENDED', new, more)
