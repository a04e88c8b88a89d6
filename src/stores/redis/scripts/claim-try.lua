-- Claims one try to sign in, or changes nothing: who has to wait does not wait longer for having asked.
--
-- KEYS  1 tries of the account from the address  2 tries of the account  3 when the address tried, newest first
-- ARGV  1 tries that an address has  2 within these ms
-- Gives the ms to wait, 0 when the try is claimed

local now = now_ms()
local most, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local pair, account = read_tries(KEYS[1], now), read_tries(KEYS[2], now)
local wait = math.max(wait_ms(PAIR, pair, now), wait_ms(ACCOUNT, account, now))
local oldest = tonumber(redis.call('LINDEX', KEYS[3], most - 1))
if oldest then wait = math.max(wait, oldest + window_ms - now) end
if wait > 0 then return wait end

for i, tries in ipairs({ pair, account }) do
  tries.pending = tries.pending + 1
  tries.claimed_at = now
  write_tries(KEYS[i], tries, now)
end
redis.call('LPUSH', KEYS[3], now)
redis.call('LTRIM', KEYS[3], 0, most - 1)
redis.call('PEXPIRE', KEYS[3], window_ms)
return 0
