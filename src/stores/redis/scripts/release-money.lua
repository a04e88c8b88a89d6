-- Lets go of money that was set apart: it has moved, or stays. Once more changes nothing.
--
-- KEYS  1 wallet  2 moves of all wallets
-- ARGV  1 move_id  2 prefix of moves  3 JSON of the wallet after the move, or ''
-- Gives 1, or 0 when it was let go of before

if ARGV[3] ~= '' then take_over(KEYS[1], cjson.decode(ARGV[3])) end
return release_move(ARGV[2], KEYS[2], ARGV[1])
