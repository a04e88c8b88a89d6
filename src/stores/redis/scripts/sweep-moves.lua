-- Lets go of money whose move was never told to be over.
--
-- KEYS  1 moves of all wallets
-- ARGV  1 prefix of moves
-- Gives how many were let go of

return sweep_moves(ARGV[1], KEYS[1], now_ms())
