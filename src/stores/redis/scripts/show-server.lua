-- Notes that the owner of a server has told of all its running calls since a rebuild began.
--
-- KEYS  1 rebuild  2 servers that were shown  3 owner of the server
-- ARGV  1 name of the rebuild  2 server_id  3 token
-- Gives 1, or 0 when another rebuild began meanwhile: what was told is forgotten

if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return 0 end
redis.call('SADD', KEYS[2], ARGV[2])
return 1
