import type { BundleSlot } from './call-class.ts';
import type { Micros } from './money.ts';

/** One leg of a movement. Per unit, the entries of a movement sum to zero (double entry). */
export interface LedgerEntry {
  readonly account: string;
  readonly unit: 'MICROS' | 'SECONDS';
  readonly amount: bigint;
}

/**
 * Names of the accounts. An account holds one unit only. Minutes have an account per slot and cycle: what is left on it
 * when the cycle ends has expired, and a call that is settled late still finds its own.
 */
export const accounts = {
  subscriberMoney: (subscriber_id: string) => `subscriber:${subscriber_id}:money`,
  subscriberSeconds: (subscriber_id: string, slot: BundleSlot, cycle_start: string) =>
    `subscriber:${subscriber_id}:seconds:${slot}:${cycle_start}`,
  resellerRevenue: (reseller_id: string) => `reseller:${reseller_id}:revenue`,
  resellerFees: (reseller_id: string) => `reseller:${reseller_id}:fees`,
  resellerCash: (reseller_id: string) => `reseller:${reseller_id}:cash`,
  resellerCorrections: (reseller_id: string) => `reseller:${reseller_id}:corrections`,
  resellerTransfers: (reseller_id: string) => `reseller:${reseller_id}:transfers`,
  resellerSeconds: (reseller_id: string) => `reseller:${reseller_id}:seconds`,
  /** What a reseller has with the platform, which its calls are paid from. */
  resellerWholesale: (reseller_id: string) => `reseller:${reseller_id}:wholesale`,
  trunkPayable: (trunk_id: string) => `trunk:${trunk_id}:payable`,
  platformRevenue: 'platform:revenue',
  platformCost: 'platform:cost',
  platformCash: 'platform:cash',
  platformCorrections: 'platform:corrections',
} as const;

function move(from: string, to: string, unit: LedgerEntry['unit'], amount: bigint): LedgerEntry[] {
  if (amount === 0n) return [];
  return [
    { account: from, unit, amount: -amount },
    { account: to, unit, amount },
  ];
}

export interface Payer {
  readonly subscriber_id: string;
  readonly reseller_id: string;
}

/** What a call took in one cycle. */
export interface CallPart {
  readonly cycle_start: string;
  readonly slot: BundleSlot | null;
  readonly bundle_seconds: number;
  readonly total_micros: Micros;
}

/** Entries of one call in one cycle: minutes out of the bundle slot and money out of the subscriber's account. */
export function callEntries(payer: Payer, part: CallPart): LedgerEntry[] {
  const { subscriber_id, reseller_id } = payer;
  const money = move(
    accounts.subscriberMoney(subscriber_id),
    accounts.resellerRevenue(reseller_id),
    'MICROS',
    part.total_micros,
  );
  if (part.slot === null) return money;
  const minutes = move(
    accounts.subscriberSeconds(subscriber_id, part.slot, part.cycle_start),
    accounts.resellerSeconds(reseller_id),
    'SECONDS',
    BigInt(part.bundle_seconds),
  );
  return [...minutes, ...money];
}

/** What the reseller pays the platform for a call. */
export function wholesaleEntries(reseller_id: string, amount: Micros): LedgerEntry[] {
  return move(accounts.resellerWholesale(reseller_id), accounts.platformRevenue, 'MICROS', amount);
}

/** What the platform owes the carrier behind a trunk for a call. */
export function carrierEntries(trunk_id: string, amount: Micros): LedgerEntry[] {
  return move(accounts.trunkPayable(trunk_id), accounts.platformCost, 'MICROS', amount);
}

/** Whose money it is: a subscriber's with its reseller, or a reseller's with the platform. */
export type Holder = Payer | { readonly subscriber_id: null; readonly reseller_id: string };

function moneyOf(holder: Holder): string {
  return holder.subscriber_id === null
    ? accounts.resellerWholesale(holder.reseller_id)
    : accounts.subscriberMoney(holder.subscriber_id);
}

/** Money paid in. */
export function topUpEntries(holder: Holder, amount: Micros): LedgerEntry[] {
  const cash =
    holder.subscriber_id === null ? accounts.platformCash : accounts.resellerCash(holder.reseller_id);
  return move(cash, moneyOf(holder), 'MICROS', amount);
}

/** What somebody sets right, up or down. */
export function correctionEntries(holder: Holder, amount: Micros): LedgerEntry[] {
  const other =
    holder.subscriber_id === null
      ? accounts.platformCorrections
      : accounts.resellerCorrections(holder.reseller_id);
  return move(other, moneyOf(holder), 'MICROS', amount);
}

/** One end of a transfer between two subscribers of a reseller: `amount` is below zero for the one who gives. */
export function transferEntries(payer: Payer, amount: Micros): LedgerEntry[] {
  return move(
    accounts.resellerTransfers(payer.reseller_id),
    accounts.subscriberMoney(payer.subscriber_id),
    'MICROS',
    amount,
  );
}

/** The monthly price of a franquia. */
export function feeEntries(payer: Payer, amount: Micros): LedgerEntry[] {
  return move(
    accounts.subscriberMoney(payer.subscriber_id),
    accounts.resellerFees(payer.reseller_id),
    'MICROS',
    amount,
  );
}

/** A slot gets its minutes of a cycle. */
export function renewalEntries(
  payer: Payer,
  slot: BundleSlot,
  cycle_start: string,
  included_seconds: number,
): LedgerEntry[] {
  return move(
    accounts.resellerSeconds(payer.reseller_id),
    accounts.subscriberSeconds(payer.subscriber_id, slot, cycle_start),
    'SECONDS',
    BigInt(included_seconds),
  );
}
