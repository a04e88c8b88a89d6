import type { BundleSlot } from './call-class.ts';
import type { Charge } from './charge.ts';
import type { Micros } from './money.ts';

/** One leg of a movement. Per unit, the entries of a movement sum to zero (double entry). */
export interface LedgerEntry {
  readonly account: string;
  readonly unit: 'MICROS' | 'SECONDS';
  readonly amount: bigint;
}

/** Names of the accounts. An account holds one unit only. */
export const accounts = {
  subscriberMoney: (subscriber_id: string) => `subscriber:${subscriber_id}:money`,
  subscriberSeconds: (subscriber_id: string, slot: BundleSlot) =>
    `subscriber:${subscriber_id}:seconds:${slot}`,
  resellerRevenue: (reseller_id: string) => `reseller:${reseller_id}:revenue`,
  resellerCash: (reseller_id: string) => `reseller:${reseller_id}:cash`,
  resellerSeconds: (reseller_id: string) => `reseller:${reseller_id}:seconds`,
} as const;

function transfer(from: string, to: string, unit: LedgerEntry['unit'], amount: bigint): LedgerEntry[] {
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

/** Entries of one call: minutes out of the bundle slot and money out of the subscriber's account. */
export function callEntries(payer: Payer, slot: BundleSlot | null, charge: Charge): LedgerEntry[] {
  const money = transfer(
    accounts.subscriberMoney(payer.subscriber_id),
    accounts.resellerRevenue(payer.reseller_id),
    'MICROS',
    charge.total_micros,
  );
  if (slot === null) return money;
  const minutes = transfer(
    accounts.subscriberSeconds(payer.subscriber_id, slot),
    accounts.resellerSeconds(payer.reseller_id),
    'SECONDS',
    BigInt(charge.bundle_seconds),
  );
  return [...minutes, ...money];
}

export function topUpEntries(payer: Payer, amount: Micros): LedgerEntry[] {
  return transfer(
    accounts.resellerCash(payer.reseller_id),
    accounts.subscriberMoney(payer.subscriber_id),
    'MICROS',
    amount,
  );
}

/** A new cycle: what was left expires and the slot holds its included seconds again. */
export function renewalEntries(
  payer: Payer,
  slot: BundleSlot,
  left_seconds: number,
  included_seconds: number,
): LedgerEntry[] {
  return transfer(
    accounts.resellerSeconds(payer.reseller_id),
    accounts.subscriberSeconds(payer.subscriber_id, slot),
    'SECONDS',
    BigInt(included_seconds - left_seconds),
  );
}
