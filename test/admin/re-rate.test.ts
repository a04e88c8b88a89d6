import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { addReseller, addSubscriber } from '../../dev/world/tenants.ts';
import { reRate } from '../../src/admin/re-rate.ts';
import type { ReRateParams, ReRating } from '../../src/contract/re-ratings.ts';
import type { BillingMode } from '../../src/domain/authorize.ts';
import { billCall } from '../../src/domain/bill.ts';
import type { CallClass } from '../../src/domain/call-class.ts';
import { grantFor } from '../../src/domain/charge.ts';
import { cycleStart, dayStart_ms, nextCycleStart } from '../../src/domain/cycle.ts';
import type { FoundRate } from '../../src/domain/rate-table.ts';
import { billColumns } from '../../src/stores/postgres/call-record.ts';
import { addClassVersion } from '../../src/stores/postgres/rate-versions.ts';
import { type CallRecord, settleCalls } from '../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../src/stores/postgres/wallets.ts';
import { addServer, useDatabase } from '../stores/postgres/use-tenants.ts';

/*
 * Some thousand calls in the database as the service writes them, always three at a time: two cycles, calls across the turn,
 * prices that change in the middle, one line on a plan of its own. What they were billed is worked out here call by call, second by second.
 */

const FROM = Date.parse('2026-08-01T03:00:00Z');
const TO = Date.parse('2026-10-01T03:00:00Z');
const CHANGE = new Date('2026-08-20T15:00:00Z');
const CADENCE = { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 };
const CLASSES = ['FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'TOLL_FREE'] as const;
const PRICED = ['FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL'] as const;
const FIRST_PRICE = 100_000n;
const LATER_PRICE = 130_000n;
const OWN_PRICE = 70_000n;
const EVERYTHING = { from: new Date(FROM).toISOString(), to: new Date(TO).toISOString() };
const CALLS = { OURS: 5_600, PREPAID: 500, STRANGER: 40 };

const database = useDatabase();
let reseller_id = '';
let ours = '';
let prepaid = '';
let ownPlan = '';

/** Always the same numbers. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function addPlan(of: string, price: bigint, classes: readonly CallClass[] = PRICED): Promise<string> {
  const { db } = database();
  const name = `Outro ${randomUUID()}`;
  const { id } = await db
    .insertInto('sales_plans')
    .values({ reseller_id: of, name })
    .returning('id')
    .executeTakeFirstOrThrow();
  await addPrices(id, new Date('2000-01-01T00:00:00Z'), price, classes);
  return id;
}

async function addPrices(plan: string, valid_from: Date, price: bigint, classes: readonly CallClass[]) {
  const class_rates = classes.map((call_class) => ({
    call_class,
    price_micros_per_minute: price.toString(),
    ...CADENCE,
  }));
  const version = { plan: { sales_plan_id: plan }, valid_from, author: 'test', class_rates };
  await database()
    .db.transaction()
    .execute((tx) => addClassVersion(tx, version));
}

interface Maker {
  readonly subscriber_id: string;
  readonly reseller_id: string;
  readonly server_id: string;
  readonly sales_plan_id: string;
  readonly billing_mode: BillingMode;
  readonly calls: number;
  /** Slot → seconds, the same in each cycle. Fixed LDN takes from the local slot. */
  readonly included: Readonly<Partial<Record<CallClass, number>>>;
}

/** What it would be billed by a pencil: the minutes left per cycle, in the order of the calls. */
function recordsOf(maker: Maker): CallRecord[] {
  const next = chance(maker.calls);
  const left = new Map<string, number>();
  const lines = [randomUUID(), randomUUID()];
  const step_ms = (TO - FROM) / maker.calls;
  return Array.from({ length: maker.calls }, (_, index) => {
    const evenly_ms = Math.floor(FROM + (index - (index % 3)) * step_ms);
    const cycle = cycleStart(1, new Date(evenly_ms));
    const following = nextCycleStart(1, cycle);
    // The last nine of a cycle talk across its turn.
    const turn_ms = dayStart_ms(following);
    const before = Math.ceil((turn_ms - evenly_ms) / (3 * step_ms));
    const created_at_ms = before <= 3 ? turn_ms - before * 60_000 : evenly_ms;
    const call_class = CLASSES[Math.floor(next() ** 2 * CLASSES.length)] ?? 'FIXED_LOCAL';
    const own = next() < 0.2;
    const price = own ? OWN_PRICE : created_at_ms < CHANGE.getTime() ? FIRST_PRICE : LATER_PRICE;
    const rate: FoundRate | null =
      call_class === 'TOLL_FREE'
        ? null
        : {
            price_micros_per_minute: price,
            cadence: CADENCE,
            version_id: 'v',
            prefix: null,
            locality: null,
            kind: null,
          };
    const to_turn = Math.ceil((turn_ms - created_at_ms) / 1000);
    const talk_ms = before <= 3 ? 300_000 : next() < 0.2 ? 0 : Math.floor(next() * 400_000);
    const local = call_class === 'FIXED_LDN' ? 'FIXED_LOCAL' : call_class;
    const slot = local === 'TOLL_FREE' || maker.included[local] === undefined ? null : local;
    const leftIn = (of: string) => (slot ? (left.get(`${slot} ${of}`) ?? maker.included[slot] ?? 0) : 0);
    const turn = to_turn <= 400 ? { turn_seconds: to_turn, left_seconds: leftIn(following) } : null;
    const grant = rate
      ? grantFor(talk_ms, rate, leftIn(cycle), turn)
      : { bundle_seconds: 0, paid_seconds: 0 };
    const rates = { rate, wholesale: null, cost: null };
    const bill = billCall(talk_ms, rates, grant, [cycle, following]);
    for (const part of bill.parts)
      left.set(`${slot} ${part.cycle_start}`, leftIn(part.cycle_start) - part.bundle_seconds);
    const created_at = new Date(created_at_ms);
    return {
      id: `${String(index).padStart(6, '0')} ${maker.subscriber_id}`,
      server_id: maker.server_id,
      reseller_id: maker.reseller_id,
      subscriber_id: maker.subscriber_id,
      line_id: lines[own ? 1 : 0] ?? '',
      trunk_id: null,
      dialled: '1133334444',
      number: call_class === 'TOLL_FREE' ? '8001234567' : `+55113333${1_000 + (index % 50)}`,
      call_class,
      csp: null,
      created_at,
      ringing_at: created_at,
      answered_at: talk_ms > 0 ? created_at : null,
      ended_at: new Date(created_at_ms + talk_ms),
      talk_ms,
      ...billColumns(rates, grant, bill),
      bundle_slot: slot,
      sales_plan_id: own ? ownPlan : maker.sales_plan_id,
      area_code: '11',
      billing_mode: maker.billing_mode,
      claims: [],
      loss: false,
      end_reason: 'HANGUP',
      q850: 16,
    };
  });
}

const INCLUDED = { FIXED_LOCAL: 200_000, MOBILE_LOCAL: 40_000 } as const;
const FEE = 29_900_000n;

async function addCalls(
  of: string,
  billing_mode: BillingMode,
  calls: number,
  included: Maker['included'] = {},
): Promise<string> {
  const { db } = database();
  const at = { reseller_id: of, server_id: await addServer(db) };
  const rate = { price_micros_per_minute: FIRST_PRICE, cadence: [30, 6, 3] } as const;
  const subscriber = await addSubscriber(db, at, {
    billing_mode,
    bundles: included,
    rate,
    priced: PRICED,
    ldn_fixed_uses_local: true,
  });
  const subscriber_id = subscriber.id;
  const { sales_plan_id } = await db
    .updateTable('subscribers')
    .set({ cycle_day: 1 })
    .where('id', '=', subscriber_id)
    .returning('sales_plan_id')
    .executeTakeFirstOrThrow();
  await db
    .updateTable('minute_bundles')
    .set({ monthly_price_micros: FEE })
    .where('reseller_id', '=', of)
    .execute();
  await addPrices(sales_plan_id, CHANGE, LATER_PRICE, PRICED);
  // Subscribers that were there before their calls.
  await database().pool.query("update subscribers set created_at = '2026-01-15T12:00:00Z'");
  for (const cycle of ['2026-08-01', '2026-09-01', '2026-10-01'])
    await openWallet(db, { subscriber_id, reseller_id: of }, cycle);
  const records = recordsOf({ ...at, subscriber_id, sales_plan_id, billing_mode, calls, included });
  for (let from = 0; from < records.length; from += 500)
    await settleCalls(db, records.slice(from, from + 500));
  return subscriber_id;
}

beforeAll(async () => {
  const { db } = database();
  reseller_id = await addReseller(db);
  ownPlan = await addPlan(reseller_id, OWN_PRICE);
  ours = await addCalls(reseller_id, 'BUNDLE', CALLS.OURS, INCLUDED);
  prepaid = await addCalls(reseller_id, 'PREPAID', CALLS.PREPAID);
  await addCalls(await addReseller(db), 'POSTPAID', CALLS.STRANGER);
}, 60_000);

function ask(
  more: Partial<ReRateParams> = {},
  tell: (done: number, total: number) => void = () => {},
): Promise<ReRating> {
  const asItIs = { subscriber_id: null, sales_plan_id: null, bundles: null };
  const flags = { ldn_fixed_uses_local: null, ldn_mobile_uses_local: null };
  return reRate(database().db, { reseller_id, ...EVERYTHING, ...asItIs, ...flags, ...more }, tell);
}

/** The same sums by the database, of what was recorded. */
async function recorded(subscribers: readonly string[], from = FROM, more = 'true') {
  const { rows } = await database().pool.query(
    `select count(*)::int as calls, sum(ceil(talk_ms / 1000.0))::int as talk_seconds,
       sum(billed_seconds)::int as billed_seconds, sum(bundle_seconds)::int as bundle_seconds,
       sum(paid_seconds)::int as paid_seconds, sum(total_micros)::text as total_micros
     from calls where subscriber_id = any($1) and created_at >= $2 and created_at < $3 and ${more}`,
    [subscribers, new Date(from), new Date(TO)],
  );
  return rows[0];
}

/** Everything that money and minutes hang on. */
async function fingerprint(): Promise<string> {
  const tables = [
    'calls',
    'ledger_movements',
    'ledger_entries',
    'wallets',
    'bundle_allocations',
    'jobs',
    'audit_log',
  ];
  const hashes = tables.map(
    (table) => `(select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from ${table} t)`,
  );
  const { rows } = await database().pool.query(`select concat_ws(' ', ${hashes.join(', ')}) as hash`);
  return rows[0].hash;
}

describe('the same plan and the same franquia', () => {
  test('give what was recorded, class by class; progress is told, and nothing changes', async () => {
    const before = await fingerprint();
    const heard: [number, number][] = [];
    const result = await ask({}, (done, total) => heard.push([done, total]));
    expect(result.re_rated).toEqual(await recorded([ours, prepaid]));
    for (const { recorded, re_rated, unrated } of result.classes) {
      expect(re_rated).toEqual(recorded);
      expect(unrated).toMatchObject({ calls: 0, numbers: [] });
    }
    expect(result.recorded).toEqual(result.re_rated);
    expect(result.classes.map(({ call_class }) => call_class)).toEqual([
      'FIXED_LOCAL',
      'FIXED_LDN',
      'MOBILE_LOCAL',
      'TOLL_FREE',
    ]);
    expect(result.difference_micros).toBe('0');
    // The world of this test is no empty one.
    const all = CALLS.OURS + CALLS.PREPAID;
    expect(result.re_rated.calls).toBe(all);
    expect(Math.min(result.re_rated.bundle_seconds, result.re_rated.paid_seconds)).toBeGreaterThan(50_000);
    expect((await recorded([ours], FROM, 'turn_seconds is not null')).calls).toBeGreaterThan(0);
    expect(heard.at(-1)).toEqual([all, all]);
    expect(heard.map(([done]) => done)).toEqual(heard.map(([done]) => done).sort((a, b) => a - b));
    expect(await fingerprint()).toBe(before);
  });

  test('from the middle of a cycle, minutes that earlier calls took are gone', async () => {
    const from = FROM + 12 * 24 * 3_600_000;
    const result = await ask({ subscriber_id: ours, from: new Date(from).toISOString() });
    expect(result.re_rated).toEqual(await recorded([ours], from));
    expect(result.re_rated.calls).toBeLessThan(CALLS.OURS);
  });

  test('is told page by page', async () => {
    const heard: number[] = [];
    await ask({ subscriber_id: ours }, (done) => heard.push(done));
    expect(heard).toEqual([5_000, CALLS.OURS]);
  });
});

describe('another plan', () => {
  test('prices every call, the lines with their own plan too', async () => {
    const sales_plan_id = await addPlan(reseller_id, 240_000n);
    const {
      re_rated,
      recorded: was,
      difference_micros,
    } = await ask({ sales_plan_id, subscriber_id: prepaid });
    const { rows } = await database().pool.query(
      `select sum(floor((240000.0 * billed_seconds + 30) / 60))::text as total from calls
       where subscriber_id = $1 and call_class <> 'TOLL_FREE'`,
      [prepaid],
    );
    expect(re_rated).toEqual({ ...was, total_micros: rows[0].total });
    expect(difference_micros).toBe(String(BigInt(rows[0].total) - BigInt(was.total_micros)));
  });

  test('rates each call by the prices that held when it was made', async () => {
    const sales_plan_id = await addPlan(reseller_id, 0n);
    await addPrices(sales_plan_id, CHANGE, 60_000n, PRICED);
    const { re_rated } = await ask({ sales_plan_id, subscriber_id: prepaid });
    const later = await recorded([prepaid], CHANGE.getTime());
    expect(re_rated.total_micros).toBe(String(later.billed_seconds * 1_000));
  });

  test('refuses what it has no rate for, says how much that was, and leaves it out of the difference', async () => {
    const sales_plan_id = await addPlan(reseller_id, FIRST_PRICE, ['FIXED_LOCAL', 'FIXED_LDN']);
    const result = await ask({ sales_plan_id, subscriber_id: prepaid });
    const { numbers, ...unrated } = result.classes.find(({ call_class }) => call_class === 'MOBILE_LOCAL')
      ?.unrated ?? { numbers: [] };
    expect(unrated).toEqual(await recorded([prepaid], FROM, "call_class = 'MOBILE_LOCAL'"));
    expect(result.unrated).toEqual(unrated);
    expect(numbers).toHaveLength(20);
    expect(result.re_rated.calls).toBe(CALLS.PREPAID - result.unrated.calls);
    const [is, was, refused] = [result.re_rated, result.recorded, result.unrated].map(({ total_micros }) =>
      BigInt(total_micros),
    );
    expect(BigInt(result.difference_micros)).toBe((is ?? 0n) - (was ?? 0n) + (refused ?? 0n));
  });
});

describe('another franquia', () => {
  const total = ({ total_micros }: { total_micros: string }) => BigInt(total_micros);

  test('none: all is money, and the fees of its two cycles are saved', async () => {
    const result = await ask({ subscriber_id: ours, bundles: [] });
    expect(result.re_rated).toMatchObject({
      bundle_seconds: 0,
      paid_seconds: result.recorded.billed_seconds,
    });
    expect([result.recorded_fees_micros, result.re_rated_fees_micros]).toEqual([String(4n * FEE), '0']);
    const saved = total(result.re_rated) - total(result.recorded) - 4n * FEE;
    expect(result.difference_micros).toBe(saved.toString());
  });

  test('for one who has none, each of its cycles', async () => {
    const { id } = await database()
      .db.insertInto('minute_bundles')
      .values({ reseller_id, name: 'Grande', included_seconds: 5_000, monthly_price_micros: 1_000n })
      .returning('id')
      .executeTakeFirstOrThrow();
    const bundles = [{ slot: 'FIXED_LOCAL' as const, bundle_id: id }];
    // Without those that talk into the third cycle.
    const asked = { subscriber_id: prepaid, bundles, to: new Date(TO - 600_000).toISOString() };
    const both = await ask(asked);
    expect(both.re_rated.bundle_seconds).toBe(10_000);
    expect([both.recorded_fees_micros, both.re_rated_fees_micros]).toEqual(['0', '2000']);
    const apart = await ask({ ...asked, ldn_fixed_uses_local: false });
    const ldn = apart.classes.find(({ call_class }) => call_class === 'FIXED_LDN');
    expect(ldn?.re_rated.bundle_seconds).toBe(0);
    expect(apart.re_rated.bundle_seconds).toBe(10_000);
  });

  test('that is gone by the time it is looked at is told as such', async () => {
    const gone = [{ slot: 'FIXED_LOCAL' as const, bundle_id: randomUUID() }];
    await expect(ask({ bundles: gone })).rejects.toMatchObject({ faults: { count: 1 } });
    await expect(ask({ sales_plan_id: randomUUID() })).rejects.toMatchObject({ faults: { count: 1 } });
  });
});

test('who stops listening stops it', async () => {
  const stop = () => {
    throw new Error('enough');
  };
  await expect(ask({}, stop)).rejects.toThrow('enough');
});

test('of another reseller nothing is read', async () => {
  const result = await ask({ reseller_id: await addReseller(database().db), subscriber_id: ours });
  expect(result.recorded.calls).toBe(0);
  expect(result.classes).toEqual([]);
});
