import { randomUUID } from 'node:crypto';
import { addServer } from '../../src/admin/add-server.ts';
import { billCall, type CallRates } from '../../src/domain/bill.ts';
import { grantFor } from '../../src/domain/charge.ts';
import { cycleStart, nextCycleStart } from '../../src/domain/cycle.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { billColumns } from '../../src/stores/postgres/call-record.ts';
import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import { type CallRecord, settleCalls } from '../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import type { Database } from '../world/database.ts';
import { addReseller, addSubscriber } from '../world/tenants.ts';
import { chance, pick } from './money-data.ts';
import type { MeasuredWay } from './rounds.ts';

const SUBSCRIBERS = 50;
/** As many as the settlement puts into one transaction. */
const BATCH = 100;
const CYCLE_DAY = 1;
const PLENTY_seconds = 1_000_000_000;

interface Payer {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly server_id: string;
  readonly line_id: string;
  readonly sales_plan_id: string;
  readonly has_minutes: boolean;
}

function rateOf(price_micros_per_minute: bigint): FoundRate {
  const cadence = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
  const found = { version_id: randomUUID(), prefix: '5511', locality: 'São Paulo', kind: null };
  return { price_micros_per_minute, cadence, ...found };
}

/** Every other one has a franquia, all of them one reseller that buys from the platform. */
async function addPayers({ db }: Database): Promise<Payer[]> {
  const address = { name: 'bench', ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 };
  const { id: server_id } = await addServer(db, address);
  const reseller_id = await addReseller(db);
  const cycle = cycleStart(CYCLE_DAY, new Date());
  const payers: Payer[] = [];
  for (let number = 0; number < SUBSCRIBERS; number += 1) {
    const has_minutes = number % 2 === 0;
    const bundles = { FIXED_LOCAL: PLENTY_seconds, MOBILE_LOCAL: PLENTY_seconds };
    const { id: subscriber_id } = await addSubscriber(
      db,
      { reseller_id, server_id },
      { billing_mode: has_minutes ? 'BUNDLE' : 'POSTPAID', bundles: has_minutes ? bundles : {} },
    );
    await openWallet(db, { subscriber_id, reseller_id }, cycle);
    const row = await db
      .selectFrom('subscribers')
      .select('sales_plan_id')
      .where('id', '=', subscriber_id)
      .executeTakeFirstOrThrow();
    payers.push({ subscriber_id, reseller_id, server_id, line_id: randomUUID(), ...row, has_minutes });
  }
  return payers;
}

/** Ended calls of anybody: one in five was not answered, of the others with minutes half end on money. */
function createCalls(payers: readonly Payer[]): () => CallRecord {
  const next = chance(3);
  const trunk_id = randomUUID();
  const rates: CallRates = { rate: rateOf(90_000n), wholesale: rateOf(45_000n), cost: rateOf(30_000n) };
  const cycle = cycleStart(CYCLE_DAY, new Date());
  const following = nextCycleStart(CYCLE_DAY, cycle);
  return () => {
    const { has_minutes, ...payer } = pick(next, payers);
    const call_class = pick(next, ['FIXED_LOCAL', 'MOBILE_LOCAL'] as const);
    const talk_ms = next() < 0.2 ? 0 : Math.floor(next() * 300_000);
    const left = has_minutes ? Math.floor(next() * 600) : 0;
    const grant = grantFor(talk_ms, rates.rate as FoundRate, left);
    const ended_at = new Date();
    return {
      id: randomUUID(),
      ...payer,
      trunk_id,
      dialled: '1133334444',
      number: '+551133334444',
      call_class,
      csp: null,
      created_at: new Date(ended_at.getTime() - talk_ms),
      ringing_at: null,
      answered_at: talk_ms > 0 ? new Date(ended_at.getTime() - talk_ms) : null,
      ended_at,
      talk_ms,
      ...billColumns(rates, grant, billCall(talk_ms, rates, grant, [cycle, following])),
      bundle_slot: has_minutes ? call_class : null,
      area_code: '11',
      billing_mode: has_minutes ? 'BUNDLE' : 'POSTPAID',
      claims: [{ level: 'LINE', direction: 'TOTAL', limit: 2 }],
      loss: false,
      end_reason: 'HANGUP',
      q850: 16,
    };
  };
}

/** The least that keeps a record: the same row into a table without index or check, nothing else. */
function insertBare({ pool }: Database, records: readonly CallRecord[]) {
  const text = JSON.stringify(records, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return pool.query('insert into bare_calls select * from json_populate_recordset(null::bare_calls, $1)', [
    text,
  ]);
}

/** Only the time in the database counts, not that in which records are made up. */
async function recordsPerSecond(
  seconds: number,
  make: () => CallRecord[],
  write: (r: CallRecord[]) => Promise<unknown>,
) {
  let [calls, spent_ms] = [0, 0];
  while (spent_ms < seconds * 1_000) {
    const records = make();
    const start = performance.now();
    await write(records);
    spent_ms += performance.now() - start;
    calls += records.length;
  }
  return (calls / spent_ms) * 1_000;
}

export interface Settlements {
  readonly single: readonly MeasuredWay[];
  readonly batches: readonly MeasuredWay[];
}

/** Settling against inserting the bare record, both one call and a hundred a transaction. */
export async function prepareSettlements(database: Database, seconds: number): Promise<Settlements> {
  const make = createCalls(await addPayers(database));
  await database.pool.query('create table bare_calls (like calls)');
  let settled = 0;

  async function settle(size: number): Promise<number | null> {
    const batch = () => Array.from({ length: size }, make);
    const rate = await recordsPerSecond(seconds, batch, async (records) => {
      await settleCalls(database.db, records);
      settled += records.length;
    });
    const [differences, { rows }] = [
      await proveLedger(database.db),
      await database.pool.query<{ count: bigint }>('select count(*) from calls'),
    ];
    if (differences.length === 0 && Number(rows[0]?.count) === settled) return rate;
    console.log(`the ledger is wrong: ${rows[0]?.count} of ${settled} calls, ${JSON.stringify(differences)}`);
    return null;
  }
  const ways = (size: number): MeasuredWay[] => {
    const batch = () => Array.from({ length: size }, make);
    return [
      { name: 'bare insert', run: () => recordsPerSecond(seconds, batch, (r) => insertBare(database, r)) },
      { name: 'settled', run: () => settle(size) },
    ];
  };
  const prepared = { single: ways(1), batches: ways(BATCH) };
  for (const { run } of [...prepared.single, ...prepared.batches]) await run();
  return prepared;
}
