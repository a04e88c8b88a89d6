-- Ends sessions, those named and all of an index, and tells every process. Ids whose session expired before are told
-- too: what was opened under them may still be open.
--
-- KEYS  1… indexes
-- ARGV  1 prefix of the keys of sessions  2 channel  3 id that is spared, or ''  4… session_ids
-- Gives how many ids were told

local ids = {}
for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
for _, key in ipairs(KEYS) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if id ~= ARGV[3] then
      ids[#ids + 1] = id
      -- Here too, because an expired session no longer names its indexes.
      redis.call('ZREM', key, id)
    end
  end
end
for _, id in ipairs(ids) do
  local indexes = redis.call('HGET', ARGV[1] .. id, 'indexes')
  for key in string.gmatch(indexes or '', '%S+') do redis.call('ZREM', key, id) end
  redis.call('DEL', ARGV[1] .. id)
end
if #ids > 0 then redis.call('PUBLISH', ARGV[2], table.concat(ids, ' ')) end
return #ids
