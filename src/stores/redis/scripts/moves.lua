-- Prelude of hold-money, release-money and sweep-moves.

local function release_move(prefix, moves, id)
  redis.call('ZREM', moves, id)
  local move = redis.call('HMGET', prefix .. id, 'wallet', 'amount')
  if not move[1] then return 0 end
  redis.call('HINCRBY', move[1], 'moving', '-' .. move[2])
  redis.call('DEL', prefix .. id)
  return 1
end

-- Lets go of moves whose lease has ended. Whether they took place nobody told, so the wallets are asked for anew.
local function sweep_moves(prefix, moves, now)
  local ids = redis.call('ZRANGEBYSCORE', moves, '-inf', now, 'LIMIT', 0, 100)
  for _, id in ipairs(ids) do
    local wallet = redis.call('HGET', prefix .. id, 'wallet')
    if wallet then redis.call('HDEL', wallet, 'version') end
    release_move(prefix, moves, id)
  end
  return #ids
end
