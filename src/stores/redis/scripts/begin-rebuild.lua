-- Forgets every call of a Redis that is not known to have all of them: it is new, was restarted or emptied. Once: who
-- comes after the first one finds the rebuild under way.
--
-- KEYS  1 epoch  2 rebuild
-- ARGV  1 pattern of all keys of calls  2 name for a rebuild that begins now
-- Gives { KEPT, epoch }: nothing has to be rebuilt, or { BEGUN | UNDERWAY, name of the rebuild }

local run = run_id()
local epoch = epoch_of(KEYS[1], run)
if epoch then return { 'KEPT', epoch } end
local rebuild = redis.call('HMGET', KEYS[2], 'run', 'name')
if rebuild[1] == run then return { 'UNDERWAY', rebuild[2] } end
local cursor = '0'
repeat
  local found = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
  cursor = found[1]
  if #found[2] > 0 then redis.call('UNLINK', unpack(found[2])) end
until cursor == '0'
redis.call('HSET', KEYS[2], 'run', run, 'name', ARGV[2], 'began', string.format('%.0f', now_micros()))
return { 'BEGUN', ARGV[2] }
