-- Prelude of hold-money and release-money.

local function release_move(prefix, moves, id)
  redis.call('ZREM', moves, id)
  local move = redis.call('HMGET', prefix .. id, 'wallet', 'amount')
  if not move[1] then return 0 end
  redis.call('HINCRBY', move[1], 'held', '-' .. move[2])
  redis.call('DEL', prefix .. id)
  return 1
end
