-- Prelude of settle-call and load-wallet.

-- Cycles that the ledger no longer tells of go, once no call holds anything of them.
local function forget_cycles(key, told)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local cycle, slot = string.match(field, '^left:([^:]+):(.+)$')
    if cycle and not told[cycle] and (tonumber(redis.call('HGET', key, 'held:' .. cycle .. ':' .. slot)) or 0) == 0 then
      redis.call('HDEL', key, field, 'held:' .. cycle .. ':' .. slot)
    end
  end
end

-- A wallet as the ledger has it replaces an older one; what calls hold of it stays.
local function take_over(key, wallet)
  local version = tonumber(redis.call('HGET', key, 'version'))
  if version and version >= tonumber(wallet.version) then return 0 end
  redis.call('HSET', key, 'version', wallet.version, 'balance', wallet.balance)
  if wallet.spent then redis.call('HSET', key, 'day', wallet.day, 'spent', wallet.spent) end
  local new = false
  for cycle, slots in pairs(wallet.left or {}) do
    for slot, seconds in pairs(slots) do
      if redis.call('HSET', key, 'left:' .. cycle .. ':' .. slot, seconds) == 1 then new = true end
    end
  end
  if new then forget_cycles(key, wallet.left) end
  return 1
end
