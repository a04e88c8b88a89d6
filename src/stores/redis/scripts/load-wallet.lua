-- Takes over a wallet as read from the ledger, unless a newer one is here.
--
-- KEYS  1 wallet
-- ARGV  1 JSON { version, balance, left: { cycle: { slot: seconds } }, day, spent }   a reseller's has neither minutes
--       nor days; day: on which calls that cost `spent` ended, counted from 1970
-- Gives 1 when it was taken over, 0 when the one here is as new or newer

return take_over(KEYS[1], cjson.decode(ARGV[1]))
