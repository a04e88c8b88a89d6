-- Prelude: the name of the Redis process that runs this. It changes when Redis restarts, whatever its files brought back.

local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
end

local function now_micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- The epoch, when it is one of this Redis process.
local function epoch_of(key, run)
  local epoch = redis.call('GET', key)
  return epoch and string.sub(epoch, 1, #run) == run and epoch or nil
end
