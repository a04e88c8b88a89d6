-- Tells how a claimed try went.
--
-- KEYS  1 tries of the account from the address  2 tries of the account
-- ARGV  1 FAILED | SUCCEEDED | RELEASED   released: it counts for nothing

local now = now_ms()
local pair, account = read_tries(KEYS[1], now), read_tries(KEYS[2], now)
for _, tries in ipairs({ pair, account }) do
  tries.pending = math.max(tries.pending - 1, 0)
  if ARGV[1] == 'FAILED' then
    tries.failures = tries.failures + 1
    tries.failed_at = now
  end
end
if ARGV[1] == 'SUCCEEDED' then
  -- The owner's own typing errors go; what strangers did elsewhere stays.
  account.failures = math.max(account.failures - pair.failures, 0)
  pair.failures = 0
end
write_tries(KEYS[1], pair, now)
write_tries(KEYS[2], account, now)
return 1
