import { afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { factsOf } from '../../dev/world/call-facts.ts';
import { type BrakeDependencies, createBrake } from '../../src/calls/brake.ts';
import type { CallFacts } from '../../src/calls/live-call.ts';
import { newLiveCall } from '../../src/calls/live-call.ts';
import { inLanguage } from '../../src/contract/language.ts';
import { billCall } from '../../src/domain/bill.ts';
import { liftBlock } from '../../src/stores/postgres/blocks.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { createWatchStore } from '../../src/stores/redis/watch-store.ts';
import { addTenant, billedRecord, foundRate, type Tenant } from '../stores/postgres/use-tenants.ts';
import { keepLog, useStores } from './use-stores.ts';

const stores = useStores();

afterEach(() => stores().toPostgres.heal());

/** R$ 1 a second, and R$ 0,60 a minute. */
const EXPENSIVE = foundRate(60_000_000n, [1, 1, 0]);
const CHEAP = foundRate(600_000n, [1, 1, 0]);
const SLICE_seconds = 60;
const HOUR_ms = 3_600_000;
const BY_DAY = { hour: 12, weekend: false };
const BY_NIGHT = { hour: 1, weekend: false };
const CYCLES = ['2026-11-01', '2026-12-01'] as const;

function brakeWith(localTime = BY_NIGHT, more: Partial<BrakeDependencies> = {}) {
  const { db, looking } = stores();
  const log = keepLog();
  const store = createWatchStore(looking);
  const brake = createBrake({
    db,
    store,
    log,
    slice_seconds: SLICE_seconds,
    mode: 'BRAKE',
    night: { from: 22, to: 6 },
    localTime: () => localTime,
    ...more,
  });
  return { ...brake, log };
}

type Brake = ReturnType<typeof brakeWith>;

/** A call to New York, of this tenant. */
function callOf({ username: _, sales_plan_id: plan_id, ...ids }: Tenant, more: Partial<CallFacts> = {}) {
  const abroad = { call_class: 'INTL_FIXED', number: '+12125551234', rate: EXPENSIVE } as const;
  return factsOf({ ...ids, plan_id, ...abroad, ...more });
}

/** A call that is let go, talks and ends, all of it counted. Gives the first slice that it was given, or its refusal. */
async function make(brake: Brake, facts: CallFacts, talk_seconds = 5): Promise<number | string> {
  const refusal = await brake.refusalOf(facts);
  if (refusal) return refusal.reason;
  const seconds = brake.sliceSeconds(facts);
  const grant = { bundle_seconds: 0, paid_seconds: Math.max(seconds, talk_seconds) };
  brake.began(facts, grant);
  const call = newLiveCall(facts, grant, 0, true);
  brake.ended(call, billCall(talk_seconds * 1_000, facts, grant, CYCLES), talk_seconds * 1_000);
  await brake.idle();
  return seconds;
}

async function makeMany(brake: Brake, tenant: Tenant, count: number, talk_seconds = 5) {
  const made: (number | string)[] = [];
  for (let i = 0; i < count; i += 1)
    made.push(await make(brake, callOf(tenant, { number: `+1212555${1000 + i}` }), talk_seconds));
  return made;
}

const blocksOf = ({ subscriber_id }: Tenant) =>
  stores()
    .database.db.selectFrom('blocks')
    .selectAll()
    .where('subscriber_id', '=', subscriber_id)
    .orderBy('created_at')
    .execute();

const noticesOf = ({ subscriber_id }: Tenant) =>
  stores()
    .database.db.selectFrom('notices')
    .selectAll()
    .where('subscriber_id', '=', subscriber_id)
    .orderBy('audience')
    .execute();

async function set(tenant: Tenant, brake_mode: 'OFF' | 'WATCH' | 'BRAKE', brake_percent = 100) {
  await stores()
    .database.db.updateTable('subscribers')
    .set({ brake_mode, brake_percent })
    .where('id', '=', tenant.subscriber_id)
    .execute();
}

async function recordCall(tenant: Tenant, ended_at: Date, seconds: number, number: string) {
  const grant = { bundle_seconds: 0, paid_seconds: seconds };
  const created_at = new Date(ended_at.getTime() - seconds * 1_000);
  const record = billedRecord(
    tenant,
    { talk_ms: seconds * 1_000, grant, rate: EXPENSIVE },
    { call_class: 'INTL_FIXED', number, created_at, answered_at: created_at, ended_at },
  );
  await settleCalls(stores().database.db, [record]);
}

describe('a line whose password was stolen', () => {
  test('gets shorter slices from its first call on, and then none for its class alone', async () => {
    const { db } = stores().database;
    const tenant = await addTenant(db);
    const { subscriber_id } = tenant;
    await db
      .insertInto('subscriber_contacts')
      .values([
        { subscriber_id, name: 'Ana', email: 'ana@example.com', receives_notices: true },
        { subscriber_id, name: 'Rui', email: 'rui@example.com', receives_notices: false },
      ])
      .execute();
    const brake = brakeWith();
    const made = await makeMany(brake, tenant, 12);
    expect(made.slice(0, 3)).toEqual([10, 10, 10]);
    expect(made.slice(-4)).toEqual(['BLOCKED', 'BLOCKED', 'BLOCKED', 'BLOCKED']);

    const national = { call_class: 'FIXED_LOCAL', number: '+551133334444' } as const;
    expect(await make(brake, callOf(tenant, national))).toBe(SLICE_seconds);
    for (const call_class of ['EMERGENCY', 'INTERNAL', 'INBOUND', 'TOLL_FREE'] as const)
      expect(await make(brake, callOf(tenant, { call_class, rate: null }))).toBe(SLICE_seconds);
    expect(await make(brake, callOf(tenant, { line_id: crypto.randomUUID() }))).not.toBe('BLOCKED');

    const [block, ...more] = await blocksOf(tenant);
    expect(more).toEqual([]);
    expect(block).toMatchObject({ line_id: tenant.line_id, origin: 'BRAKE', lifted_at: null });
    expect(block?.call_classes).toEqual(['INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL']);
    expect(block?.detail).toMatchObject({ group: 'ABROAD', level: 'LINE' });
    const refusal = await brake.refusalOf(callOf(tenant));
    expect(refusal?.detail).toBe(`LINE SUSPICION ${block?.ends_at.toISOString()}`);

    const notices = await noticesOf(tenant);
    expect(notices.map(({ audience, recipients }) => [audience, recipients.map(({ name }) => name)])).toEqual(
      [
        ['RESELLER', [expect.stringContaining('Revenda')]],
        ['SUBSCRIBER', ['Ana']],
      ],
    );
    expect(inLanguage(notices[0]?.body ?? '', 'pt')).toMatch(/um país nunca chamado antes\n- à noite/);
  });

  test('is blocked once, although two processes find it out at the same moment', async () => {
    const tenant = await addTenant(stores().database.db);
    const brakes = [brakeWith(), brakeWith()];
    await Promise.all(brakes.map((brake) => makeMany(brake, tenant, 10)));
    expect(await blocksOf(tenant)).toHaveLength(1);
    expect(await noticesOf(tenant)).toHaveLength(2);
  });

  test('is blocked while Postgres is away, and it is written down afterwards', async () => {
    const tenant = await addTenant(stores().database.db);
    const brake = brakeWith();
    expect(await make(brake, callOf(tenant))).toBe(10);
    await stores().toPostgres.cut();
    const facts = callOf(tenant);
    brake.began(facts, { bundle_seconds: 0, paid_seconds: 600 });
    await waitUntil(async () => brake.sliceSeconds(facts) === 0, { timeout_ms: 10_000, what: 'the block' });
    expect(await brake.refusalOf(callOf(tenant))).toMatchObject({ reason: 'BLOCKED' });
    await stores().toPostgres.heal();
    await waitUntil(async () => (await blocksOf(tenant)).length === 1, {
      timeout_ms: 15_000,
      what: 'the record of the block',
    });
    await brake.idle();
    expect(await brake.refusalOf(callOf(tenant))).toMatchObject({ reason: 'BLOCKED' });
  });
});

describe('a block of the brake', () => {
  async function blocked() {
    const tenant = await addTenant(stores().database.db);
    const brake = brakeWith();
    await makeMany(brake, tenant, 10);
    expect(await brake.refusalOf(callOf(tenant))).toMatchObject({ reason: 'BLOCKED' });
    return { tenant, brake };
  }

  test('ends by itself, and the next one is twice as long', async () => {
    const { tenant, brake } = await blocked();
    const { pool } = stores().database;
    await pool.query(
      `update blocks set created_at = created_at - interval '2 hours', ends_at = ends_at - interval '2 hours'
       where subscriber_id = $1`,
      [tenant.subscriber_id],
    );
    brake.reload();
    await waitUntil(async () => (await brake.refusalOf(callOf(tenant))) === null, {
      timeout_ms: 5_000,
      what: 'the end of the block',
    });
    await makeMany(brake, tenant, 10);
    const hours = (await blocksOf(tenant)).map(({ created_at, ends_at }) =>
      Math.round((ends_at.getTime() - created_at.getTime()) / HOUR_ms),
    );
    expect(hours).toEqual([1, 2]);
  });

  test('that people lift was a mistake: what tripped it counts no longer, nor is the country new', async () => {
    const { tenant, brake } = await blocked();
    const [block] = await blocksOf(tenant);
    const lift = () =>
      stores()
        .database.db.transaction()
        .execute((tx) => liftBlock(tx, block?.id ?? '', 'Ana'));
    expect(await lift()).toBe(true);
    expect(await lift()).toBe(false);
    brake.reload();
    await waitUntil(async () => (await brake.refusalOf(callOf(tenant))) === null, {
      timeout_ms: 5_000,
      what: 'the lift to be known',
    });
    await waitUntil(
      async () => (await stores().looking.keys(`pabx:watch:*${tenant.line_id}*`)).length === 0,
      {
        timeout_ms: 5_000,
        what: 'the windows to be forgotten',
      },
    );
    expect(await make(brake, callOf(tenant, { rate: CHEAP }))).toBe(SLICE_seconds);
    expect(await blocksOf(tenant)).toHaveLength(1);
  });
});

describe('a subscriber', () => {
  test.each([
    ['WATCH', 0, ['CALLS_SUSPICIOUS', 'CALLS_SUSPICIOUS']],
    ['OFF', 0, []],
    ['BRAKE', 1, ['CALLS_BLOCKED', 'CALLS_BLOCKED']],
  ] as const)('whose brake is set to %s', async (mode, blocks, kinds) => {
    const tenant = await addTenant(stores().database.db);
    await set(tenant, mode);
    const brake = brakeWith();
    const made = await makeMany(brake, tenant, 10);
    if (mode !== 'BRAKE') expect(new Set(made)).toEqual(new Set([SLICE_seconds]));
    expect(await blocksOf(tenant)).toHaveLength(blocks);
    expect((await noticesOf(tenant)).map(({ kind }) => kind)).toEqual(kinds);
  });

  test('that the platform only watches is not braked unless its reseller says so', async () => {
    const [usual, own] = [await addTenant(stores().database.db), await addTenant(stores().database.db)];
    await set(own, 'BRAKE');
    const brake = brakeWith(BY_NIGHT, { mode: 'WATCH' });
    await makeMany(brake, usual, 10);
    await makeMany(brake, own, 10);
    expect(await blocksOf(usual)).toHaveLength(0);
    expect(await blocksOf(own)).toHaveLength(1);
  });

  test('of whom such calls are usual has them', async () => {
    const tenant = await addTenant(stores().database.db);
    for (const days of [2, 3, 4, 5])
      await recordCall(tenant, new Date(Date.now() - days * 24 * HOUR_ms), 1_000, '+12125550000');
    const brake = brakeWith(BY_DAY);
    expect(new Set(await makeMany(brake, tenant, 8, 20))).toEqual(new Set([SLICE_seconds]));
    expect(await make(brake, callOf(tenant, { number: '+351212345678' }))).toBe(SLICE_seconds);
  });

  test('that calls a country of last week at night is not slowed down, and one of now is', async () => {
    const tenant = await addTenant(stores().database.db);
    await recordCall(tenant, new Date(Date.now() - 7 * 24 * HOUR_ms), 10, '+12125550000');
    const brake = brakeWith();
    expect(await make(brake, callOf(tenant, { rate: CHEAP }))).toBe(SLICE_seconds);
    expect(await make(brake, callOf(tenant, { rate: CHEAP, number: '+351212345678' }))).toBe(10);
  });

  test('is known by the records of the last hour after Redis lost everything', async () => {
    const tenant = await addTenant(stores().database.db);
    for (let i = 0; i < 12; i += 1)
      await recordCall(tenant, new Date(Date.now() - 60_000), 3, `+1212555${2000 + i}`);
    const brake = brakeWith();
    expect(await make(brake, callOf(tenant))).toBe(10);
    const [block] = await blocksOf(tenant);
    // One more of each kind than the records have.
    expect(block?.detail?.signs).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ signal: 'DESTINATIONS', value: '13' }),
        expect.objectContaining({ signal: 'NEW_COUNTRY' }),
      ]),
    );
  });
});
