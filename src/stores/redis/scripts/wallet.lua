-- Prelude of settle-call and load-wallet.

-- A wallet as the ledger has it replaces an older one; what calls hold of it stays.
local function take_over(key, wallet)
  local version = tonumber(redis.call('HGET', key, 'version'))
  if version and version >= tonumber(wallet.version) then return 0 end
  redis.call('HSET', key, 'version', wallet.version, 'balance', wallet.balance, 'cycle', wallet.cycle)
  for slot, seconds in pairs(wallet.left) do redis.call('HSET', key, 'left:' .. slot, seconds) end
  return 1
end
