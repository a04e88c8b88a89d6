-- Adds what calls of a line did to the windows of the line and of its subscriber, and tells what is in them. Windows that
-- are not here (they are new, or this Redis lost them) are not begun without a past: read it, and ask again with it.
--
-- KEYS  1 windows of the line  2 numbers that the line called, by when  3, 4 the same of the subscriber
-- ARGV  1 JSON { spent, short, numbers: [number], past: null | [{ buckets: [{ bucket, spent, short }], numbers: [{ number, at }] }, …] }
--       spent: micro-reais, less than 0 for what was counted before and not needed; short: calls that were over at once
--       past: of the line, then of the subscriber; bucket: minutes since 1970 by fives; at: ms
-- Gives JSON [{ spent_10m, spent_60m, short_10m, numbers }, …] with amounts as text, or nothing when windows are unknown

local BUCKET_ms, BUCKETS_10m, BUCKETS_60m = 300000, 2, 12
local KEPT_ms, MOST_NUMBERS = 3900000, 2000
local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local bucket = math.floor(now / BUCKET_ms)
local past = input.past ~= cjson.null and input.past or nil

local function add(key, at, what, amount)
  if amount ~= 0 then redis.call('HINCRBY', key, at .. ':' .. what, string.format('%.0f', amount)) end
end

local function begin(windows, numbers, of)
  redis.call('HSET', windows, 'since', now)
  for _, one in ipairs(of.buckets) do
    add(windows, one.bucket, 'spent', one.spent)
    add(windows, one.bucket, 'short', one.short)
  end
  for _, one in ipairs(of.numbers) do redis.call('ZADD', numbers, one.at, one.number) end
end

-- The last so many whole buckets and the one that runs; what is older goes.
local function read(windows)
  local sums = { spent_10m = 0, spent_60m = 0, short_10m = 0 }
  local fields = redis.call('HGETALL', windows)
  for i = 1, #fields, 2 do
    local at, what = string.match(fields[i], '^(%d+):(.+)$')
    local age = at and bucket - tonumber(at)
    local amount = tonumber(fields[i + 1])
    if age and age > BUCKETS_60m then redis.call('HDEL', windows, fields[i])
    elseif what == 'spent' then
      sums.spent_60m = sums.spent_60m + amount
      if age <= BUCKETS_10m then sums.spent_10m = sums.spent_10m + amount end
    elseif what == 'short' and age <= BUCKETS_10m then
      sums.short_10m = sums.short_10m + amount
    end
  end
  return sums
end

for i = 1, #KEYS, 2 do
  if not past and redis.call('HEXISTS', KEYS[i], 'since') == 0 then return false end
end
local answer = {}
for i = 1, #KEYS, 2 do
  local windows, numbers = KEYS[i], KEYS[i + 1]
  if redis.call('HEXISTS', windows, 'since') == 0 then begin(windows, numbers, past[(i + 1) / 2]) end
  add(windows, bucket, 'spent', input.spent)
  add(windows, bucket, 'short', input.short)
  for _, number in ipairs(input.numbers) do redis.call('ZADD', numbers, now, number) end
  redis.call('ZREMRANGEBYSCORE', numbers, '-inf', now - 3600000)
  redis.call('ZREMRANGEBYRANK', numbers, 0, -MOST_NUMBERS - 1)
  redis.call('PEXPIRE', windows, KEPT_ms)
  redis.call('PEXPIRE', numbers, KEPT_ms)
  local sums = read(windows)
  answer[#answer + 1] = {
    spent_10m = string.format('%.0f', math.max(0, sums.spent_10m)),
    spent_60m = string.format('%.0f', math.max(0, sums.spent_60m)),
    short_10m = sums.short_10m, numbers = redis.call('ZCARD', numbers),
  }
end
return cjson.encode(answer)
