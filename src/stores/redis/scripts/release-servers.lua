-- Gives servers back before their leases end. Whose token another one holds by now is left alone.
--
-- KEYS  1… owner of each server
-- ARGV  1… the token of each
-- Gives how many were given back

local given = 0
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'token') == ARGV[i] then
    redis.call('HSET', key, 'owner', '', 'ends', 0)
    given = given + 1
  end
end
return given
