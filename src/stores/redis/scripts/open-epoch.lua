-- Begins an epoch once every server has been shown: from now on calls are admitted.
--
-- KEYS  1 epoch  2 rebuild  3 servers that were shown
-- ARGV  1 name of the rebuild  2… servers
-- Gives the epoch that holds now, or '' while servers are missing

local run = run_id()
local rebuild = redis.call('HMGET', KEYS[2], 'run', 'name')
if rebuild[1] ~= run or rebuild[2] ~= ARGV[1] then return epoch_of(KEYS[1], run) or '' end
for i = 2, #ARGV do
  if redis.call('SISMEMBER', KEYS[3], ARGV[i]) == 0 then return '' end
end
local epoch = run .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], epoch)
redis.call('DEL', KEYS[2], KEYS[3])
return epoch
