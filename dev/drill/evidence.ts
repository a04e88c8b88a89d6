import type { EndReason } from '../../src/stores/postgres/call-tables.ts';
import { type Difference, proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import type { CarrierCall } from './carrier-log.ts';
import { type Drift, readDrift } from './drift.ts';
import type { Drifted } from './drift-watch.ts';
import type { Stage } from './stage.ts';

export interface RecordedCall {
  readonly id: string;
  readonly number: string;
  readonly talk_ms: number;
  readonly billed_seconds: number;
  readonly granted_seconds: number;
  readonly total_micros: bigint;
  readonly price_micros_per_minute: bigint | null;
  readonly end_reason: EndReason;
}

/** How far the balance of a subscriber went down at any moment of the ledger, and how far it may. */
export interface Lowest {
  readonly name: string;
  readonly lowest_micros: bigint;
  readonly credit_limit_micros: bigint;
}

/** What is left when every call is over, from outside and from inside. */
export interface Evidence {
  readonly carrier: readonly CarrierCall[];
  /** When the switch was killed or stopped, milliseconds since 1970. */
  readonly switchEnds_ms: readonly number[];
  readonly records: readonly RecordedCall[];
  /** Movements and parts of each call that was charged to its subscriber. */
  readonly charges: readonly {
    readonly call_id: string;
    readonly movements: number;
    readonly parts: number;
  }[];
  readonly lowest: readonly Lowest[];
  /** What Redis still holds of wallets though nobody talks, `key field` → amount. */
  readonly held: ReadonlyMap<string, string>;
  readonly drift: Drift;
  /** Meanwhile. */
  readonly drifted: readonly Drifted[];
  readonly ledger: readonly Difference[];
  readonly refused: number;
}

const LOWEST = `
  select account, min(running) as lowest from (
    select account, sum(amount) over (partition by account order by movement_id) as running
    from ledger_entries where account like 'subscriber:%:money') r
  group by account`;

const CHARGES = `
  select c.id as call_id, count(m.id)::integer as movements,
    greatest(1, jsonb_array_length(c.parts))::integer as parts
  from calls c join ledger_movements m on m.kind = 'CALL' and m.reference = c.id and m.leg = 'subscriber'
  group by c.id`;

async function readLowest({ world, payers }: Stage): Promise<Lowest[]> {
  const { rows } = await world.database.pool.query<{ account: string; lowest: string }>(LOWEST);
  const lowest = new Map(rows.map((row) => [row.account, BigInt(row.lowest)]));
  return payers.map(({ name, subscriber_id, credit_limit_micros }) => ({
    name,
    credit_limit_micros,
    lowest_micros: lowest.get(`subscriber:${subscriber_id}:money`) ?? 0n,
  }));
}

export async function readHeld({ redis }: Pick<Stage, 'redis'>): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  for (const key of await redis.keys('pabx:wallet:*')) {
    for (const [field, amount] of Object.entries(await redis.hgetall(key)))
      if (/^held/.test(field) && amount !== '0') held.set(`${key} ${field}`, amount);
  }
  return held;
}

export async function readRecords({ world: { database } }: Pick<Stage, 'world'>): Promise<RecordedCall[]> {
  return database.db
    .selectFrom('calls')
    .select(['id', 'number', 'talk_ms', 'billed_seconds', 'granted_seconds', 'total_micros', 'end_reason'])
    .select('price_micros_per_minute')
    .execute();
}

export async function gatherEvidence(
  stage: Stage,
  carrier: readonly CarrierCall[],
  meanwhile: Pick<Evidence, 'drifted' | 'switchEnds_ms'>,
): Promise<Evidence> {
  const { pool, db } = stage.world.database;
  const charges = await pool.query<{ call_id: string; movements: number; parts: number }>(CHARGES);
  const refusals = await db
    .selectFrom('refusals')
    .select((e) => e.fn.countAll<string>().as('n'))
    .executeTakeFirstOrThrow();
  return {
    carrier,
    records: await readRecords(stage),
    charges: charges.rows,
    lowest: await readLowest(stage),
    held: await readHeld(stage),
    drift: await readDrift(stage),
    ...meanwhile,
    ledger: await proveLedger(db),
    refused: Number(refusals.n),
  };
}
