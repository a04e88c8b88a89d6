-- Tries to sign in, per account and address and per account. A hash { failures, failed_at, pending, claimed_at }:
-- a claimed try is pending until its outcome is told, and counts as if it had failed as long as it is.

local FORGET_ms = 3600000
-- A try whose outcome nobody told (its process died) is pending for so long.
local PENDING_ms = 30000
-- `free` failures cost nothing; each one more doubles the delay.
local PAIR = { free = 3, first_ms = 2000, most_ms = 900000 }
-- Far less, because strangers make these failures too and must not lock the owner out.
local ACCOUNT = { free = 9, first_ms = 1000, most_ms = 30000 }

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function read_tries(key, now)
  local hash = redis.call('HMGET', key, 'failures', 'failed_at', 'pending', 'claimed_at')
  local tries = {
    failures = tonumber(hash[1]) or 0,
    failed_at = tonumber(hash[2]) or 0,
    pending = tonumber(hash[3]) or 0,
    claimed_at = tonumber(hash[4]) or 0,
  }
  if tries.failed_at + FORGET_ms <= now then tries.failures = 0 end
  if tries.claimed_at + PENDING_ms <= now then tries.pending = 0 end
  return tries
end

local function write_tries(key, tries, now)
  local left = 0
  if tries.failures > 0 then left = tries.failed_at + FORGET_ms - now end
  if tries.pending > 0 then left = math.max(left, tries.claimed_at + PENDING_ms - now) end
  if left <= 0 then return redis.call('DEL', key) end
  redis.call('HSET', key, 'failures', tries.failures, 'failed_at', tries.failed_at,
    'pending', tries.pending, 'claimed_at', tries.claimed_at)
  redis.call('PEXPIRE', key, left)
end

local function delay_ms(policy, failures)
  if failures <= policy.free then return 0 end
  return math.min(policy.first_ms * 2 ^ (failures - policy.free - 1), policy.most_ms)
end

local function wait_ms(policy, tries, now)
  local wait = tries.failed_at + delay_ms(policy, tries.failures) - now
  if tries.pending > 0 then
    local delay = math.min(delay_ms(policy, tries.failures + tries.pending), PENDING_ms)
    wait = math.max(wait, tries.claimed_at + delay - now)
  end
  return math.max(wait, 0)
end
