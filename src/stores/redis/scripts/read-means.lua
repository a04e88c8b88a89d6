-- What of a payer's means, and of its reseller's, no call holds. Changes nothing.
--
-- KEYS  1 wallet of the payer  2 wallet of the reseller
-- ARGV  1 JSON { credit, reseller_credit, cap, behind, minutes: [{ cycle, slot }] }   cap and behind as in admit-call
-- Gives JSON { money, reseller, minutes: [seconds] } with amounts as text, or nothing when the wallet is not loaded

local input = cjson.decode(ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'version') == 0 then return false end
local minutes = {}
for i, of in ipairs(input.minutes) do
  minutes[i] = free_minutes({ wallet = KEYS[1], slot = of.slot }, of.cycle) or 0
end
return cjson.encode({
  money = string.format('%.0f', spendable({ wallet = KEYS[1] }, input)),
  reseller = string.format('%.0f', free_money(KEYS[2], input.reseller_credit)),
  minutes = minutes,
})
