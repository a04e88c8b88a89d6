import { type Insertable, sql } from 'kysely';
import { thresholdsCrossed } from '../../domain/bundle-alerts.ts';
import { BUNDLE_SLOTS, type BundleSlot } from '../../domain/call-class.ts';
import { localDay } from '../../domain/cycle.ts';
import { callEntries, carrierEntries, type LedgerEntry, wholesaleEntries } from '../../domain/ledger.ts';
import type { Db } from './connect.ts';
import { type NewMovement, type Tx, writeMovements } from './ledger.ts';
import type { RecordedCost, RecordedPart, RecordedRate } from './recorded.ts';
import { addToResellerWallets, type ResellerWallet, readResellerWallets } from './reseller-wallets.ts';
import type { Database } from './tables.ts';
import { readWallets, type Wallet } from './wallets.ts';

type Row = Insertable<Database['calls']>;
type Told = 'parts' | 'claims' | 'sale' | 'wholesale' | 'cost' | 'wholesale_micros' | 'cost_micros' | 'loss';

/** An ended call with everything that explains its bill. */
export type CallRecord = Omit<Row, Told> & {
  /** One per cycle that the call ran in; of a call that nobody pays for, none. */
  readonly parts: readonly RecordedPart[];
  readonly claims: readonly { readonly level: string; readonly direction: string; readonly limit: number }[];
  readonly sale: RecordedRate | null;
  readonly loss: boolean;
  readonly wholesale: RecordedCost | null;
  readonly wholesale_micros: bigint;
  readonly cost: RecordedCost | null;
  readonly cost_micros: bigint;
};

const json = (value: unknown) => (value === null ? null : JSON.stringify(value));

function toRow(record: CallRecord): Row {
  const { parts, claims, sale, wholesale, cost } = record;
  return {
    ...record,
    parts: JSON.stringify(parts),
    claims: JSON.stringify(claims),
    sale: json(sale),
    wholesale: json(wholesale),
    cost: json(cost),
  } as Row;
}

/** Seconds as a slot of a cycle is debited with them. */
interface SlotUse {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly slot: BundleSlot;
  readonly cycle_start: string;
  seconds: number;
}

const costsSubscriber = ({ total_micros, bundle_seconds }: CallRecord) =>
  total_micros > 0n || bundle_seconds > 0;

function movement(
  record: CallRecord,
  of: Pick<NewMovement, 'leg' | 'subscriber_id' | 'reseller_id' | 'wallet_version'>,
  entries: readonly LedgerEntry[],
  part: { readonly cycle_start: string | null; readonly sequence: number },
): NewMovement[] {
  if (entries.length === 0) return [];
  return [{ ...of, ...part, kind: 'CALL', reference: record.id, author: 'call', reason: null, entries }];
}

/** What a call moves: at the subscriber once per cycle, at its reseller, and at the carrier. */
function movementsOf(record: CallRecord, versions: Versions): NewMovement[] {
  const { subscriber_id, reseller_id, trunk_id, bundle_slot: slot = null } = record;
  const retail = record.parts.flatMap((part, sequence) => {
    const { cycle_start, bundle_seconds, total_micros } = part;
    const took = { cycle_start, slot, bundle_seconds, total_micros: BigInt(total_micros) };
    const wallet_version = versions.subscribers.get(subscriber_id) ?? 0n;
    const of = { leg: 'subscriber', subscriber_id, reseller_id, wallet_version };
    return movement(record, of, callEntries(record, took), { cycle_start, sequence });
  });
  const apart = { cycle_start: null, sequence: 0 };
  const bought = wholesaleEntries(reseller_id, record.wholesale_micros);
  const wallet_version = versions.resellers.get(reseller_id)?.version ?? 0n;
  const wholesale = { leg: 'wholesale', subscriber_id: null, reseller_id, wallet_version };
  const carrier = { leg: 'carrier', subscriber_id: null, reseller_id: null, wallet_version: 0n };
  const owed = trunk_id ? carrierEntries(trunk_id, record.cost_micros) : [];
  return [
    ...retail,
    ...movement(record, wholesale, bought, apart),
    ...movement(record, carrier, owed, apart),
  ];
}

async function insertNew(tx: Tx, records: readonly CallRecord[]): Promise<CallRecord[]> {
  // Written in one order by everyone, so that two batches of the same calls wait instead of deadlocking.
  const inOrder = records.toSorted((a, b) => Number(a.id > b.id) - Number(a.id < b.id));
  const inserted = await tx
    .insertInto('calls')
    .values(inOrder.map(toRow))
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .execute();
  const ids = new Set(inserted.map((row) => row.id));
  return records.filter((record) => ids.delete(record.id));
}

function slotUses(records: readonly CallRecord[]): SlotUse[] {
  const uses = new Map<string, SlotUse>();
  for (const { subscriber_id, reseller_id, bundle_slot: slot, parts } of records) {
    for (const { cycle_start, bundle_seconds } of parts) {
      if (!slot || bundle_seconds === 0) continue;
      const key = `${subscriber_id} ${slot} ${cycle_start}`;
      const use = uses.get(key) ?? { subscriber_id, reseller_id, slot, cycle_start, seconds: 0 };
      use.seconds += bundle_seconds;
      uses.set(key, use);
    }
  }
  const order = ({ subscriber_id, slot, cycle_start }: SlotUse) =>
    `${subscriber_id} ${BUNDLE_SLOTS.indexOf(slot)} ${cycle_start}`;
  return [...uses.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Takes minutes out of their slots; who comes to 50, 80 or 100 % of a franquia is written down once. */
async function debitSlots(tx: Tx, uses: readonly SlotUse[]): Promise<void> {
  if (uses.length === 0) return;
  const column = <T>(value: (use: SlotUse) => T) => uses.map(value);
  const { rows } = await sql<{ included_seconds: number; left_seconds: number; position: number }>`
    with used as (
      select * from unnest(${column((use) => use.subscriber_id)}::uuid[], ${column((use) => use.slot)}::text[],
        ${column((use) => use.cycle_start)}::date[], ${column((use) => use.seconds)}::integer[])
        with ordinality as d (subscriber_id, slot, cycle_start, seconds, position)
    ), debited as (
      insert into bundle_allocations as a
        (subscriber_id, slot, cycle_start, bundle_name, monthly_price_micros, included_seconds, left_seconds)
      select subscriber_id, slot, cycle_start, slot, 0, 0, -seconds from used order by position
      on conflict (subscriber_id, slot, cycle_start) do update
      set left_seconds = a.left_seconds + excluded.left_seconds
      returning subscriber_id, slot, cycle_start, included_seconds, left_seconds
    )
    select included_seconds, left_seconds, position::integer
    from debited join used using (subscriber_id, slot, cycle_start)`.execute(tx);
  const alerts = rows.flatMap(({ included_seconds, left_seconds, position }) => {
    const { seconds, ...use } = uses[position - 1] as SlotUse;
    const crossed = thresholdsCrossed(included_seconds, left_seconds + seconds, left_seconds);
    return crossed.map((percent) => ({ ...use, percent }));
  });
  if (alerts.length === 0) return;
  await tx
    .insertInto('bundle_alerts')
    .values(alerts)
    .onConflict((c) => c.doNothing())
    .execute();
}

interface Versions {
  readonly subscribers: ReadonlyMap<string, bigint>;
  readonly resellers: ReadonlyMap<string, ResellerWallet>;
}

/** What a subscriber's calls cost, and those of the latest day on which one ended. */
interface Spent {
  micros: bigint;
  day: string;
  day_micros: bigint;
}

function spentBy(records: readonly CallRecord[]): Map<string, Spent> {
  const all = new Map<string, Spent>();
  for (const { subscriber_id, total_micros, ended_at } of records) {
    const day = localDay(ended_at);
    const spent = all.get(subscriber_id) ?? { micros: 0n, day, day_micros: 0n };
    if (day > spent.day) Object.assign(spent, { day, day_micros: 0n });
    spent.micros += total_micros;
    if (day === spent.day) spent.day_micros += total_micros;
    all.set(subscriber_id, spent);
  }
  return all;
}

/** Takes what the calls cost out of their subscribers' wallets and gives each wallet's new version. */
async function debitWallets(tx: Tx, records: readonly CallRecord[]): Promise<Map<string, bigint>> {
  if (records.length === 0) return new Map();
  const spent = spentBy(records);
  const payers = [...spent.keys()].sort();
  const column = (value: (of: Spent) => bigint | string) =>
    payers.map((id) => String(value(spent.get(id) as Spent)));
  await tx
    .insertInto('wallets')
    .values(payers.map((subscriber_id) => ({ subscriber_id })))
    .onConflict((c) => c.doNothing())
    .execute();
  // Locked in one order by everyone, so that two batches that share payers wait instead of deadlocking.
  await sql`select from wallets where subscriber_id = any(${payers}::uuid[]) order by subscriber_id for update`.execute(
    tx,
  );
  const { rows } = await sql<{ subscriber_id: string; version: bigint }>`
    update wallets w set balance_micros = w.balance_micros - d.micros, version = w.version + 1,
      spend_day = greatest(w.spend_day, d.day),
      spent_micros = case when d.day < w.spend_day then 0 else d.day_micros end
        + case when d.day > w.spend_day then 0 else w.spent_micros end
    from unnest(${payers}::uuid[], ${column(({ micros }) => micros)}::bigint[], ${column(({ day }) => day)}::date[],
      ${column(({ day_micros }) => day_micros)}::bigint[]) as d(id, micros, day, day_micros)
    where w.subscriber_id = d.id returning w.subscriber_id, w.version`.execute(tx);
  await debitSlots(tx, slotUses(records));
  return new Map(rows.map((row) => [row.subscriber_id, row.version]));
}

async function debitResellers(
  tx: Tx,
  records: readonly CallRecord[],
): Promise<ReadonlyMap<string, ResellerWallet>> {
  const amounts = new Map<string, bigint>();
  for (const { reseller_id, wholesale_micros } of records)
    if (wholesale_micros > 0n) amounts.set(reseller_id, (amounts.get(reseller_id) ?? 0n) - wholesale_micros);
  return amounts.size === 0 ? new Map() : addToResellerWallets(tx, amounts);
}

/** The wallets of all payers as they stand after a settlement. */
export interface Settled {
  readonly wallets: ReadonlyMap<string, Wallet>;
  readonly resellers: ReadonlyMap<string, ResellerWallet>;
}

/**
 * Records ended calls and charges them to subscriber, reseller and carrier, all or none, in one transaction. A call that
 * is recorded already is left as it is, so settling twice changes nothing (R7).
 */
export function settleCalls(db: Db, records: readonly CallRecord[]): Promise<Settled> {
  return db.transaction().execute(async (tx) => {
    const fresh = await insertNew(tx, records);
    const subscribers = await debitWallets(tx, fresh.filter(costsSubscriber));
    const resellers = await debitResellers(tx, fresh);
    await writeMovements(
      tx,
      fresh.flatMap((record) => movementsOf(record, { subscribers, resellers })),
    );
    const bought = records.filter(({ wholesale }) => wholesale !== null);
    return {
      wallets: await readWallets(tx, [...new Set(records.map((record) => record.subscriber_id))]),
      resellers:
        bought.length === 0
          ? resellers
          : await readResellerWallets(tx, [...new Set(bought.map((record) => record.reseller_id))]),
    };
  });
}

/** Which of these calls have their record, and the talk in it, in ms. */
export async function settledAmong(db: Db, call_ids: readonly string[]): Promise<Map<string, number>> {
  if (call_ids.length === 0) return new Map();
  const rows = await db.selectFrom('calls').select(['id', 'talk_ms']).where('id', 'in', call_ids).execute();
  return new Map(rows.map((row) => [row.id, row.talk_ms]));
}
