-- Prelude of the scripts by which the owner of a server changes calls: whoever lost the server, and does not know it yet,
-- changes nothing. The last key is the owner of the server, the last argument the token that the caller holds it by.
-- Gives NOT_OWNER when another token holds, NO_EPOCH when this Redis knows no owner at all: someone emptied it.

local fence = redis.call('HGET', KEYS[#KEYS], 'token')
if fence ~= ARGV[#ARGV] then return fence and 'NOT_OWNER' or 'NO_EPOCH' end
