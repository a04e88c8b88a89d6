import { BUNDLE_SLOTS } from '../../domain/call-class.ts';
import type { Grant } from '../../domain/charge.ts';
import { dayNumber } from '../../domain/cycle.ts';
import type { Rate } from '../../domain/rate-table.ts';
import type { ResellerWallet } from '../postgres/reseller-wallets.ts';
import type { Wallet } from '../postgres/wallets.ts';
import type { AdmitInput, Means } from './live-calls.ts';

/** How long a slot stays taken without word that its call runs. */
export const LEASE_ms = 60_000;

/* What the scripts are told, as their heads describe it. */

/** Throws RangeError for what Lua's doubles do not count exactly. */
export function exact(amount: bigint): number {
  const number = Number(amount);
  if (!Number.isSafeInteger(number))
    throw new RangeError(`${amount} micro-reais are beyond what scripts count`);
  return number;
}

export function walletArgument(wallet: Wallet): string {
  return JSON.stringify({
    version: wallet.version.toString(),
    balance: wallet.balance_micros.toString(),
    day: dayNumber(wallet.spend_day),
    spent: wallet.spent_micros.toString(),
    left: Object.fromEntries(
      [wallet.cycle_start, ...Object.keys(wallet.left_seconds)].map((cycle_start) => [
        cycle_start,
        // Every slot: what the ledger does not tell of is known to be nothing.
        Object.fromEntries(BUNDLE_SLOTS.map((slot) => [slot, wallet.left_seconds[cycle_start]?.[slot] ?? 0])),
      ]),
    ),
  });
}

export function resellerArgument(wallet: ResellerWallet): string {
  return JSON.stringify({
    version: wallet.version.toString(),
    balance: wallet.balance_micros.toString(),
  });
}

const rateArgument = (rate: Rate | null) =>
  rate && {
    price: exact(rate.price_micros_per_minute),
    initial: rate.cadence.initial_seconds,
    increment: rate.cadence.increment_seconds,
  };

export const meansArgument = (means: Means) => ({
  credit: exact(means.credit_micros),
  reseller_credit: exact(means.reseller_credit_micros),
  cap: means.daily_cap_micros === null ? null : exact(means.daily_cap_micros),
  behind: means.behind_ms,
  slice: means.slice_seconds,
});

const grantArgument = (grant: Grant) => ({
  bundle: grant.bundle_seconds,
  paid: grant.paid_seconds,
  bundle2: grant.after_turn?.bundle_seconds ?? 0,
  paid2: grant.after_turn?.paid_seconds ?? 0,
  turn: grant.after_turn?.turn_seconds ?? null,
});

export function admitArgument(input: AdmitInput, epoch: string): string {
  return JSON.stringify({
    epoch,
    call_id: input.call_id,
    lease_ms: LEASE_ms,
    facts: input.facts,
    cycle: input.cycle_start,
    cycle2: input.next_cycle_start,
    slot: input.slot,
    ...meansArgument(input),
    rate: rateArgument(input.rate),
    wholesale: rateArgument(input.wholesale),
    // A transfer takes another channel of a trunk; all else is one call still.
    claims: input.claims.map(({ level, limit, reserved }) => ({ limit, reserved, kept: level !== 'TRUNK' })),
    paces: input.paces.map(({ calls_per_second }) => calls_per_second),
    root: input.root ?? null,
    adopt: input.adopt && grantArgument(input.adopt),
  });
}
