import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Tx } from '../../../src/stores/postgres/ledger.ts';
import { type Difference, proveLedger } from '../../../src/stores/postgres/prove-ledger.ts';
import { settleCalls } from '../../../src/stores/postgres/settlements.ts';
import { openWallet } from '../../../src/stores/postgres/wallets.ts';
import {
  addTenant,
  BY_THE_SECOND,
  billedRecord,
  CYCLE,
  type Tenant,
  topUpWallet,
  useDatabase,
} from './use-tenants.ts';

const database = useDatabase();

let tenant: Tenant;
let prepaid: Tenant;
/** A call of two cycles, for minutes and money, that was paid at every level. */
const call_id = `call ${randomUUID()}`;
const trunk_id = randomUUID();

beforeAll(async () => {
  const { db } = database();
  const bundles = { FIXED_LOCAL: 600 };
  tenant = await addTenant(db, { billing_mode: 'BUNDLE', bundles, balance_micros: 5_000_000n });
  prepaid = await addTenant(db, { billing_mode: 'PREPAID' });
  await topUpWallet(db, prepaid, 100n, `first ${prepaid.subscriber_id}`, 'test');
  await openWallet(db, tenant, CYCLE);
  const after_turn = { turn_seconds: 40, bundle_seconds: 0, paid_seconds: 20 };
  const grant = { bundle_seconds: 30, paid_seconds: 10, after_turn };
  const ended = { talk_ms: 60_000, grant, bundle_slot: 'FIXED_LOCAL', wholesale: BY_THE_SECOND } as const;
  const more = { id: call_id, trunk_id };
  await settleCalls(db, [billedRecord(tenant, { ...ended, cost: BY_THE_SECOND }, more)]);
});

class Undo extends Error {}

/** What is found after a change that goes past every trigger, and is undone afterwards. */
async function foundAfter(...changes: readonly RawBuilder<unknown>[]): Promise<Difference[]> {
  let found: Difference[] = [];
  const tampering = async (tx: Tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    for (const change of changes) await change.execute(tx);
    found = await proveLedger(tx);
    throw new Undo();
  };
  await expect(database().db.transaction().execute(tampering)).rejects.toBeInstanceOf(Undo);
  return found;
}

const money = (of: Tenant) => `subscriber:${of.subscriber_id}:money`;
const minutes = () => `subscriber:${tenant.subscriber_id}:seconds:FIXED_LOCAL:${CYCLE}`;
const whats = (found: readonly Difference[]) => [...new Set(found.map(({ what }) => what))];

/** Moves so much between two accounts: the movement still sums to zero. */
const shift = (movement: RawBuilder<unknown>, from: string, to: string, amount: number) => [
  sql`update ledger_entries set amount = amount - ${amount} where movement_id = ${movement} and account = ${from}`,
  sql`update ledger_entries set amount = amount + ${amount} where movement_id = ${movement} and account = ${to}`,
];

test('nothing is found when all is well, nor after a change that was undone', async () => {
  expect(await proveLedger(database().db)).toEqual([]);
  expect(await foundAfter()).toEqual([]);
});

describe('is found', () => {
  test.each([
    ['more', sql`update wallets set spent_micros = spent_micros + 1`],
    ['of a day before the latest', sql`update wallets set spend_day = spend_day - 1, spent_micros = 0`],
  ])('what a day has cost that differs from its calls: %s', async (_, change) => {
    const found = await foundAfter(change);
    expect(whats(found)).toEqual(['what the calls of a day cost a subscriber differs from the ledger']);
    expect(found.map(({ id }) => id)).toContain(tenant.subscriber_id);
  });

  test('an entry that was changed: its unit and its movement', async () => {
    const found = await foundAfter(
      sql`update ledger_entries set amount = amount + 1 where account = 'platform:cost'`,
    );
    expect(whats(found)).toEqual([
      'a unit of the ledger does not sum to zero',
      'a movement does not sum to zero',
    ]);
    expect(found[0]?.id).toBe('MICROS');
  });

  test('two movements whose faults make up for each other: the movements', async () => {
    const found = await foundAfter(
      sql`update ledger_entries set amount = amount + 1 where account = 'platform:cost'`,
      sql`update ledger_entries set amount = amount - 1 where account = 'platform:revenue'`,
    );
    expect(found).toHaveLength(2);
    expect(whats(found)).toEqual(['a movement does not sum to zero']);
  });

  test.each([
    ['price', sql`total_micros = total_micros + 1, parts = jsonb_set(parts, '{0,total_micros}', '"10001"')`],
    [
      'minutes',
      sql`bundle_seconds = 29, paid_seconds = 31, parts = jsonb_set(jsonb_set(parts, '{0,bundle_seconds}', '29'),
        '{0,paid_seconds}', '11')`,
    ],
  ])('a record that says another %s than the ledger: the whole and its part', async (_, columns) => {
    const found = await foundAfter(sql`update calls set ${columns} where id = ${call_id}`);
    expect(found).toEqual(
      [
        'the charge of a call record differs from the ledger',
        'the parts of a call record differ from the whole, or from the ledger',
      ].map((what) => ({ what, id: call_id })),
    );
  });

  test('a call of before there were parts, whose price differs: the whole', async () => {
    const found = await foundAfter(
      sql`update calls set parts = '[]', sale = null, total_micros = 1 where id = ${call_id}`,
    );
    expect(found).toEqual([{ what: 'the charge of a call record differs from the ledger', id: call_id }]);
  });

  const CASES: [string, () => RawBuilder<unknown>[], string, () => string][] = [
    [
      'a part that says another price, the whole being right',
      () => [
        sql`update calls set parts = jsonb_set(parts, '{0,total_micros}', '"9999"') where id = ${call_id}`,
      ],
      'the parts of a call record differ from the whole, or from the ledger',
      () => call_id,
    ],
    [
      'parts that add up, but not as the ledger has them',
      () => [
        sql`update calls set parts = jsonb_set(jsonb_set(parts, '{0,total_micros}', '"9999"'),
            '{1,total_micros}', '"20001"') where id = ${call_id}`,
      ],
      'the parts of a call record differ from the whole, or from the ledger',
      () => call_id,
    ],
    [
      'a part that says other paid seconds',
      () => [sql`update calls set parts = jsonb_set(parts, '{1,paid_seconds}', '19') where id = ${call_id}`],
      'the parts of a call record differ from the whole, or from the ledger',
      () => call_id,
    ],
    [
      'a part of another cycle than its movement',
      () => [
        sql`update calls set parts = jsonb_set(parts, '{1,cycle_start}', '"2027-01-01"') where id = ${call_id}`,
      ],
      'the parts of a call record differ from the whole, or from the ledger',
      () => call_id,
    ],
    [
      'a record that has lost its parts',
      () => [sql`update calls set parts = '[]' where id = ${call_id}`],
      'the parts of a call record differ from the whole, or from the ledger',
      () => call_id,
    ],
    [
      'a wholesale price that differs',
      () => [sql`update calls set wholesale_micros = wholesale_micros - 1 where id = ${call_id}`],
      'what a call cost its reseller or the platform differs from the ledger',
      () => call_id,
    ],
    [
      'a cost that differs',
      () => [sql`update calls set cost_micros = cost_micros + 1 where id = ${call_id}`],
      'what a call cost its reseller or the platform differs from the ledger',
      () => call_id,
    ],
    [
      'a carrier that was paid for another’s trunk',
      () => [sql`update calls set trunk_id = ${randomUUID()} where id = ${call_id}`],
      'what a call cost its reseller or the platform differs from the ledger',
      () => call_id,
    ],
    [
      'a reseller’s balance that differs',
      () => [sql`update reseller_wallets set balance_micros = balance_micros + 1`],
      'the balance of a reseller differs from the ledger',
      () => tenant.reseller_id,
    ],
    [
      'a reseller’s wallet that is gone',
      () => [sql`delete from reseller_wallets`],
      'the balance of a reseller differs from the ledger',
      () => `reseller:${tenant.reseller_id}:wholesale`,
    ],
    [
      'a reseller’s wallet that no movement made',
      () => [sql`insert into reseller_wallets values (${prepaid.reseller_id}, 1, 5)`],
      'the balance of a reseller differs from the ledger',
      () => prepaid.reseller_id,
    ],
    [
      'a subscriber’s balance that differs',
      () => [sql`update wallets set balance_micros = 99 where subscriber_id = ${prepaid.subscriber_id}`],
      'the balance of a subscriber differs from the ledger',
      () => prepaid.subscriber_id,
    ],
    [
      'money of a subscriber without a wallet',
      () => [sql`delete from wallets where subscriber_id = ${prepaid.subscriber_id}`],
      'money in the ledger has no wallet',
      () => money(prepaid),
    ],
    [
      'minutes that differ',
      () => [sql`update bundle_allocations set left_seconds = left_seconds + 1`],
      'the minutes left of a subscriber differ from the ledger, or are below zero',
      () => `${tenant.subscriber_id} FIXED_LOCAL ${CYCLE}`,
    ],
    [
      'minutes below zero, though the ledger agrees',
      () => [
        sql`update bundle_allocations set left_seconds = -1`,
        ...shift(
          sql`(select id from ledger_movements where kind = 'BUNDLE_RENEWAL')`,
          minutes(),
          `reseller:${tenant.reseller_id}:seconds`,
          571,
        ),
      ],
      'the minutes left of a subscriber differ from the ledger, or are below zero',
      () => `${tenant.subscriber_id} FIXED_LOCAL ${CYCLE}`,
    ],
    [
      'a prepaid balance below zero, though the ledger agrees',
      () => [
        sql`update wallets set balance_micros = -1 where subscriber_id = ${prepaid.subscriber_id}`,
        ...shift(
          sql`(select id from ledger_movements where subscriber_id = ${prepaid.subscriber_id})`,
          money(prepaid),
          `reseller:${prepaid.reseller_id}:cash`,
          101,
        ),
      ],
      'a prepaid balance is below zero',
      () => prepaid.subscriber_id,
    ],
  ];
  test.each(CASES)('%s', async (_, changes, what, id) => {
    expect(await foundAfter(...changes())).toEqual([{ what, id: id() }]);
  });

  test('minutes in the ledger that no allocation tells of', async () => {
    const found = await foundAfter(sql`delete from bundle_allocations`);
    expect(found).toEqual([{ what: 'minutes in the ledger are of no franquia', id: minutes() }]);
  });

  test('a call that was charged and has no record: each of its movements', async () => {
    const found = await foundAfter(sql`delete from calls`);
    expect(whats(found)).toEqual([
      'a call was charged without a record',
      'what the calls of a day cost a subscriber differs from the ledger',
    ]);
    expect(found).toHaveLength(4 + 1);
  });

  test('a record that was never charged, at any level', async () => {
    const movements = sql`select id from ledger_movements where reference = ${call_id}`;
    const found = await foundAfter(
      sql`update wallets w set balance_micros = balance_micros + 30000, spent_micros = 0
        where subscriber_id = ${tenant.subscriber_id}`,
      sql`update bundle_allocations set left_seconds = left_seconds + 30`,
      sql`delete from reseller_wallets`,
      sql`delete from ledger_entries where movement_id in (${movements})`,
      sql`delete from ledger_movements where reference = ${call_id}`,
    );
    expect(found).toEqual(
      [
        'the charge of a call record differs from the ledger',
        'the parts of a call record differ from the whole, or from the ledger',
        'what a call cost its reseller or the platform differs from the ledger',
      ].map((what) => ({ what, id: call_id })),
    );
  });
});
