import type { BundleSlot } from '../../src/domain/call-class.ts';
import { localDay } from '../../src/domain/cycle.ts';
import type { Payer } from '../../src/domain/ledger.ts';
import type { RefusalRecord } from '../../src/stores/postgres/refusals.ts';
import type { ResellerWallet } from '../../src/stores/postgres/reseller-wallets.ts';
import type { CallRecord, Settled } from '../../src/stores/postgres/settlements.ts';
import type { Wallet } from '../../src/stores/postgres/wallets.ts';
import type { Household } from './household.ts';

/** What real-time control asks of Postgres besides reference data. */
export interface Ledger {
  settleCalls(records: readonly CallRecord[]): Promise<Settled>;
  settledAmong(call_ids: readonly string[]): Promise<Set<string>>;
  openWallet(payer: Payer, cycle_start: string): Promise<Wallet>;
  readWallets(subscriber_ids: readonly string[]): Promise<Map<string, Wallet>>;
  readResellerWallet(reseller_id: string): Promise<ResellerWallet>;
  recordRefusals(records: readonly RefusalRecord[]): Promise<void>;
  /** Money that comes, or with an amount below zero goes. */
  topUp(payer: Payer, amount_micros: bigint): Promise<Wallet>;
  topUpReseller(reseller_id: string, amount_micros: bigint): Promise<void>;
}

interface Money {
  version: bigint;
  balance_micros: bigint;
}

interface Row extends Money {
  cycle_start: string;
  spend_day: string;
  spent_micros: bigint;
  readonly left: Map<string, Map<BundleSlot, { included: number; left: number }>>;
}

const LONG_AGO = '2000-01-01';

/** The ledger as plain arithmetic in memory. */
export class MemoryLedger implements Ledger {
  readonly calls = new Map<string, CallRecord>();
  readonly refusals = new Map<string, RefusalRecord>();
  /** Grows with everything that is written. */
  changes = 0;
  private readonly house: Household;
  private readonly rows = new Map<string, Row>();
  private readonly resellers = new Map<string, Money>();

  constructor(house: Household) {
    this.house = house;
  }

  async settleCalls(records: readonly CallRecord[]): Promise<Settled> {
    const fresh = records.filter((record) => {
      const isNew = !this.calls.has(record.id);
      if (isNew) this.calls.set(record.id, record);
      return isNew;
    });
    for (const id of new Set(fresh.filter(costsSomething).map(({ subscriber_id }) => subscriber_id)))
      this.debit(
        this.row(id),
        fresh.filter((record) => record.subscriber_id === id),
      );
    const bought = fresh.filter(({ wholesale_micros }) => wholesale_micros > 0n);
    for (const id of new Set(bought.map(({ reseller_id }) => reseller_id))) {
      const own = bought.filter(({ reseller_id }) => reseller_id === id);
      this.addToReseller(id, -own.reduce((sum, { wholesale_micros }) => sum + wholesale_micros, 0n));
    }
    const told = records.filter(({ wholesale }) => wholesale !== null).map(({ reseller_id }) => reseller_id);
    return {
      wallets: this.wallets([...new Set(records.map(({ subscriber_id }) => subscriber_id))]),
      resellers: new Map(
        [...new Set(told)].flatMap((id) => {
          const money = this.resellers.get(id);
          return money ? [[id, { reseller_id: id, ...money }]] : [];
        }),
      ),
    };
  }

  private debit(row: Row, records: readonly CallRecord[]): void {
    row.version += 1n;
    this.changes += 1;
    for (const record of records) {
      const { total_micros, ended_at, bundle_slot, parts } = record;
      if (!costsSomething(record)) continue;
      row.balance_micros -= total_micros;
      const day = localDay(ended_at as Date);
      if (day > row.spend_day) Object.assign(row, { spend_day: day, spent_micros: 0n });
      if (day === row.spend_day) row.spent_micros += total_micros;
      for (const { cycle_start, bundle_seconds } of parts) {
        if (!bundle_slot || bundle_seconds === 0) continue;
        this.slot(row, cycle_start, bundle_slot).left -= bundle_seconds;
      }
    }
  }

  private slot(row: Row, cycle_start: string, slot: BundleSlot) {
    const slots = row.left.get(cycle_start) ?? new Map<BundleSlot, { included: number; left: number }>();
    row.left.set(cycle_start, slots);
    const kept = slots.get(slot) ?? { included: 0, left: 0 };
    slots.set(slot, kept);
    return kept;
  }

  private row(subscriber_id: string): Row {
    const kept = this.rows.get(subscriber_id) ?? {
      version: 0n,
      balance_micros: 0n,
      cycle_start: LONG_AGO,
      spend_day: LONG_AGO,
      spent_micros: 0n,
      left: new Map(),
    };
    this.rows.set(subscriber_id, kept);
    return kept;
  }

  private wallets(ids: readonly string[]): Map<string, Wallet> {
    return new Map(
      ids.flatMap((subscriber_id): [string, Wallet][] => {
        const row = this.rows.get(subscriber_id);
        if (!row) return [];
        const { left, ...money } = row;
        const latest = [...left].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, 2);
        const left_seconds = Object.fromEntries(
          latest.map(([cycle, slots]) => [
            cycle,
            Object.fromEntries([...slots].map(([slot, kept]) => [slot, kept.left])),
          ]),
        );
        return [[subscriber_id, { subscriber_id, ...money, left_seconds }]];
      }),
    );
  }

  async settledAmong(call_ids: readonly string[]): Promise<Set<string>> {
    return new Set(call_ids.filter((id) => this.calls.has(id)));
  }

  async openWallet({ subscriber_id }: Payer, cycle_start: string): Promise<Wallet> {
    const row = this.row(subscriber_id);
    const cycle = cycle_start > row.cycle_start ? cycle_start : row.cycle_start;
    const holder = this.house.subscribers.find(({ facts }) => facts.subscriber_id === subscriber_id);
    const bundles = holder?.terms.billing_mode === 'BUNDLE' ? Object.entries(holder.bundles) : [];
    let renewed = false;
    for (const [slot, seconds] of bundles) {
      const kept = this.slot(row, cycle, slot as BundleSlot);
      if (kept.included > 0 || seconds === 0) continue;
      renewed = true;
      kept.included = seconds;
      kept.left += seconds;
    }
    if (cycle > row.cycle_start || renewed) {
      row.version += 1n;
      row.cycle_start = cycle;
    }
    return this.wallets([subscriber_id]).get(subscriber_id) as Wallet;
  }

  async readWallets(ids: readonly string[]): Promise<Map<string, Wallet>> {
    return this.wallets(ids);
  }

  async readResellerWallet(reseller_id: string): Promise<ResellerWallet> {
    return { reseller_id, ...(this.resellers.get(reseller_id) ?? { version: 0n, balance_micros: 0n }) };
  }

  private addToReseller(reseller_id: string, amount: bigint): void {
    const money = this.resellers.get(reseller_id) ?? { version: 0n, balance_micros: 0n };
    this.resellers.set(reseller_id, {
      version: money.version + 1n,
      balance_micros: money.balance_micros + amount,
    });
  }

  async recordRefusals(records: readonly RefusalRecord[]): Promise<void> {
    for (const record of records)
      if (!this.refusals.has(record.call_id)) this.refusals.set(record.call_id, record);
  }

  async topUp({ subscriber_id }: Payer, amount_micros: bigint): Promise<Wallet> {
    const row = this.row(subscriber_id);
    row.version += 1n;
    this.changes += 1;
    row.balance_micros += amount_micros;
    return this.wallets([subscriber_id]).get(subscriber_id) as Wallet;
  }

  balanceOf(subscriber_id: string): bigint {
    return this.rows.get(subscriber_id)?.balance_micros ?? 0n;
  }

  spentOn(subscriber_id: string, day: string): bigint {
    const own = [...this.calls.values()].filter(
      (record) => record.subscriber_id === subscriber_id && localDay(record.ended_at as Date) === day,
    );
    return own.reduce((sum, { total_micros }) => sum + total_micros, 0n);
  }

  async topUpReseller(reseller_id: string, amount_micros: bigint): Promise<void> {
    this.addToReseller(reseller_id, amount_micros);
  }
}

const costsSomething = ({ total_micros, bundle_seconds }: CallRecord) =>
  total_micros > 0n || bundle_seconds > 0;
