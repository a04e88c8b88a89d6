-- Takes servers that nobody holds, and goes on holding those that the caller holds. Each has one owner: a hash
-- { owner, token, ends } that stays when it ends, so that a token never comes again. By the clock of Redis alone.
--
-- KEYS  1 epoch  2 rebuild  3… owner of each server
-- ARGV  1 owner  2 lease_ms  3 first_word_ms  4… the token by which the caller held each, '' for none
-- Gives { epoch or '', then for each server: token or '' when it is not the caller's, ms until it may be }; of servers it
-- says nothing as long as this Redis has to be rebuilt: what it knows of them may be old.
--
-- A Redis that was emptied knows no owners. Who held a server then has the first word for a while, and keeps its token.

local run, now = run_id(), now_micros()
local lease, first_word = ARGV[2] * 1000, ARGV[3] * 1000
local epoch = epoch_of(KEYS[1], run)
local rebuild = redis.call('HMGET', KEYS[2], 'run', 'began')
if not epoch and rebuild[1] ~= run then return { '' } end
local free_from = (tonumber(rebuild[2]) or 0) + first_word
local answer = { epoch or '' }

for i = 3, #KEYS do
  local held = ARGV[i + 1]
  local known = redis.call('HMGET', KEYS[i], 'owner', 'token', 'ends')
  local token, ends = known[2], tonumber(known[3])
  -- A clock that was set back must not make a lease longer than it was given.
  if ends and ends > now + lease then
    ends = now + lease
    redis.call('HSET', KEYS[i], 'ends', string.format('%.0f', ends))
  end
  local free_at = ends or free_from
  if not token and held ~= '' then
    token = held
  elseif known[1] ~= ARGV[1] then
    token = now >= free_at and string.format('%.0f', math.max(now, (tonumber(token) or 0) + 1)) or ''
  end
  if token ~= '' then
    redis.call('HSET', KEYS[i], 'owner', ARGV[1], 'token', token, 'ends', string.format('%.0f', now + lease))
  end
  answer[#answer + 1] = token
  answer[#answer + 1] = token == '' and math.max(0, math.ceil((free_at - now) / 1000)) or 0
end
return answer
