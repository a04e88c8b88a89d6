import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { addServer } from '../../src/admin/add-server.ts';
import type { ReRateParams } from '../../src/contract/re-ratings.ts';
import { addDeckVersion } from '../../src/stores/postgres/rate-versions.ts';
import { MINIMAL_ENV } from '../services/process.ts';
import type { Database } from '../world/database.ts';
import { addReseller, addSubscriber } from '../world/tenants.ts';
import { makeCalls, makeDeck } from './money-data.ts';
import type { ReRatingFigures, ReRatingOrder } from './re-rating-process.ts';
import type { MeasuredWay } from './rounds.ts';

/** The heap of any process grows until it is collected for the first time; what counts is whether it goes on. */
export const MEMORY_AT = [0, 0.5, 1] as const;

const SUBSCRIBERS = 100;
const NUMBERS = 10_000;
const CHUNK = 50_000;
const FROM = '2026-09-01T03:00:00Z';
const TO = '2026-10-01T03:00:00Z';
const CYCLE = '2026-09-01';

/** A reseller with subscribers of plans by class, the deck that their calls are to be rated by, and a franquia. */
async function addOwners({ db }: Database) {
  const address = { name: 'again', ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 };
  const { id: server_id } = await addServer(db, address);
  const reseller_id = await addReseller(db);
  const subscribers: string[] = [];
  for (let number = 0; number < SUBSCRIBERS; number += 1)
    subscribers.push((await addSubscriber(db, { reseller_id, server_id }, { billing_mode: 'POSTPAID' })).id);
  const deck = makeDeck();
  const plan = await db
    .insertInto('sales_plans')
    .values({ reseller_id, name: 'Deck' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.transaction().execute((tx) =>
    addDeckVersion(
      tx,
      {
        plan: { sales_plan_id: plan.id },
        valid_from: new Date('2026-01-01T00:00:00Z'),
        author: 'bench',
        class_rates: [],
      },
      deck,
    ),
  );
  const bundle = await db
    .insertInto('minute_bundles')
    .values({ reseller_id, name: 'Grande', included_seconds: 300_000, monthly_price_micros: 99_000_000n })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { server_id, reseller_id, subscribers, deck, sales_plan_id: plan.id, bundle_id: bundle.id };
}

type Owners = Awaited<ReturnType<typeof addOwners>>;

/** Records straight into their table, spread over a month: no wallet and no ledger, which rating again does not ask. */
async function addStoredCalls({ pool }: Database, owners: Owners, count: number): Promise<void> {
  const { server_id, reseller_id, subscribers, sales_plan_id, deck } = owners;
  const numbers = makeCalls(deck, NUMBERS).map(({ number }) => number);
  const parts = JSON.stringify([{ cycle_start: CYCLE }]);
  for (let from = 0; from < count; from += CHUNK)
    await pool.query(
      `insert into calls (id, server_id, reseller_id, subscriber_id, line_id, dialled, number, call_class, created_at,
         answered_at, ended_at, talk_ms, billed_seconds, bundle_seconds, paid_seconds, total_micros, sales_plan_id,
         price_micros_per_minute, cadence, granted_seconds, end_reason, billing_mode, parts)
       select 'bench-' || lpad(i::text, 9, '0'), $1, $2, s.id, s.id, n.number, n.number,
         (array['FIXED_LDN', 'MOBILE_LDN', 'FIXED_LOCAL', 'MOBILE_LOCAL', 'FIXED_LDN', 'MOBILE_LDN', 'FIXED_LOCAL',
           'MOBILE_LOCAL', 'FIXED_LOCAL', 'INTL_FIXED'])[1 + i % 10],
         t.at, t.at, t.at + make_interval(secs => 40 + i % 200), (40 + i % 200) * 1000, 6 * ceil((40 + i % 200) / 6.0), 0,
         6 * ceil((40 + i % 200) / 6.0), 600 * ceil((40 + i % 200) / 6.0), $5, 6000, '30/6/3', 900, 'HANGUP', 'POSTPAID', $6
       from generate_series($7::integer, $8::integer) i
       cross join lateral (select $9::timestamptz + i * ($10::timestamptz - $9::timestamptz) / $11::integer as at) t
       join unnest($3::uuid[]) with ordinality s(id, at) on s.at = 1 + i % $12::integer
       join unnest($4::text[]) with ordinality n(number, at) on n.at = 1 + (i::bigint * 7919) % $13::integer`,
      [
        ...[server_id, reseller_id, subscribers, numbers, sales_plan_id, parts],
        ...[from, Math.min(count, from + CHUNK) - 1, FROM, TO, count, SUBSCRIBERS, NUMBERS],
      ],
    );
  await pool.query('vacuum analyze calls');
}

async function runProcess(order: ReRatingOrder): Promise<ReRatingFigures> {
  const file = fileURLToPath(new URL('re-rating-process.ts', import.meta.url));
  const child = fork(file, { env: { ...MINIMAL_ENV } });
  child.send(order);
  const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (typeof first !== 'object') throw new Error('the process that rates again ended before it was done');
  return first as ReRatingFigures;
}

export interface ReRatings {
  readonly ways: readonly MeasuredWay[];
  /** Of every run of rating again. */
  readonly memory: readonly ReRatingFigures['memory_bytes'][];
}

/** Rating again, on a deck and with a franquia, against reading the same calls only. */
export async function prepareReRatings(database: Database, count: number): Promise<ReRatings> {
  const owners = await addOwners(database);
  await addStoredCalls(database, owners, count);
  const { reseller_id, sales_plan_id, bundle_id } = owners;
  const params: ReRateParams = {
    reseller_id,
    subscriber_id: null,
    from: FROM,
    to: TO,
    sales_plan_id,
    bundles: [{ slot: 'FIXED_LOCAL', bundle_id }],
    ldn_fixed_uses_local: true,
    ldn_mobile_uses_local: null,
  };
  const memory: ReRatingFigures['memory_bytes'][] = [];
  const run = async (way: ReRatingOrder['way']) => {
    const { calls, calls_per_second, memory_bytes } = await runProcess({
      databaseUrl: database.url,
      way,
      params,
      memory_at: MEMORY_AT,
    });
    if (way === 'RE_RATE') memory.push(memory_bytes);
    return calls === count ? calls_per_second : null;
  };
  const ways = [
    { name: 'reading alone', run: () => run('READ') },
    { name: 'rated again', run: () => run('RE_RATE') },
  ];
  return { ways, memory };
}
