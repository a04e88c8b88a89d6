import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/domain/ledger.ts';
import { type NewMovement, writeMovements } from '../../../src/stores/postgres/ledger.ts';
import { addTenant, movementsOf, type Tenant, topUpWallet, useDatabase } from './use-tenants.ts';

const database = useDatabase();

function movement(tenant: Tenant, reference: string, entries: readonly LedgerEntry[]): NewMovement {
  return {
    subscriber_id: tenant.subscriber_id,
    reseller_id: tenant.reseller_id,
    kind: 'TOP_UP',
    cycle_start: '2026-11-01',
    reference,
    leg: 'test',
    sequence: 0,
    author: 'test',
    reason: null,
    wallet_version: 1n,
    entries,
  };
}

const entry = (account: string, amount: bigint, unit: LedgerEntry['unit'] = 'MICROS'): LedgerEntry => ({
  account,
  unit,
  amount,
});

/** Writes movements in one transaction; `committing` is called when all is written and only the commit is left. */
function write(movements: readonly NewMovement[], committing: () => void = () => {}): Promise<void> {
  return database()
    .db.transaction()
    .execute(async (tx) => {
      await writeMovements(tx, movements);
      committing();
    });
}

describe('a movement that does not sum to zero', () => {
  test.each<[string, LedgerEntry[]]>([
    ['one side alone', [entry('a', 5n)]],
    ['a micro too much', [entry('a', 5n), entry('b', -4n)]],
    ['the other side in another unit', [entry('a', 5n), entry('b', -5n, 'SECONDS')]],
    ['one unit of two', [entry('a', 5n), entry('b', -5n), entry('c', 1n, 'SECONDS')]],
  ])('%s: is refused by the database at commit', async (name, entries) => {
    const tenant = await addTenant(database().db);
    let written = false;
    const committing = () => {
      written = true;
    };
    const good = movement(tenant, `good ${name}`, [entry('a', 1n), entry('b', -1n)]);
    await expect(write([good, movement(tenant, name, entries)], committing)).rejects.toThrow(
      'does not sum to zero',
    );
    expect(written).toBe(true);
    expect(await movementsOf(database().db, tenant)).toEqual([]);
  });

  test('by an entry added to it later is refused too', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    await write([movement(tenant, 'later', [entry('a', 5n), entry('b', -5n)])]);
    const [{ id: movement_id } = { id: 0n }] = await movementsOf(db, tenant);
    const late = db.insertInto('ledger_entries').values({ movement_id, ...entry('c', 1n) });
    await expect(late.execute()).rejects.toThrow('does not sum to zero');
  });
});

describe('a movement', () => {
  test.each<[string, LedgerEntry[]]>([
    ['of two sides', [entry('a', 5n), entry('b', -5n)]],
    ['of three', [entry('a', 5n), entry('b', -2n), entry('c', -3n)]],
    [
      'of two units',
      [entry('a', 5n), entry('b', -5n), entry('c', 7n, 'SECONDS'), entry('d', -7n, 'SECONDS')],
    ],
    ['of nothing', []],
  ])('%s is written', async (name, entries) => {
    const tenant = await addTenant(database().db);
    await write([movement(tenant, `fine ${name}`, entries)]);
    expect(await movementsOf(database().db, tenant)).toHaveLength(1);
  });

  test('with an entry of 0, or an account twice, is refused', async () => {
    const tenant = await addTenant(database().db);
    await expect(write([movement(tenant, 'zero', [entry('a', 0n)])])).rejects.toThrow('check constraint');
    const twice = [entry('a', 5n), entry('a', -5n)];
    await expect(write([movement(tenant, 'twice', twice)])).rejects.toThrow('unique constraint');
  });

  test('of the same reference, leg and sequence is written once', async () => {
    const tenant = await addTenant(database().db);
    const once = movement(tenant, 'once', [entry('a', 1n), entry('b', -1n)]);
    await write([once, { ...once, leg: 'other' }, { ...once, sequence: 1 }]);
    for (const again of [once, { ...once, leg: 'other' }, { ...once, sequence: 1, kind: 'CALL' as const }]) {
      await expect(write([again])).rejects.toThrow('unique constraint');
    }
    expect(await movementsOf(database().db, tenant)).toHaveLength(3);
  });
});

describe('what somebody does by hand', () => {
  const move = (tenant: Tenant, more: Partial<NewMovement>) => ({
    ...movement(tenant, `by hand ${tenant.subscriber_id}`, [entry('a', 1n), entry('b', -1n)]),
    ...more,
  });

  test.each([
    ['CORRECTION', null],
    ['CORRECTION', ''],
    ['TRANSFER', null],
    ['TRANSFER', ''],
  ] as const)('a %s with the reason %j is refused', async (kind, reason) => {
    const tenant = await addTenant(database().db);
    await expect(write([move(tenant, { kind, reason })])).rejects.toThrow('ledger_movements_reason');
  });

  test.each(['CORRECTION', 'TRANSFER'] as const)('a %s with a reason is written', async (kind) => {
    const tenant = await addTenant(database().db);
    await write([move(tenant, { kind, reason: 'billed twice' })]);
    expect(await movementsOf(database().db, tenant)).toMatchObject([{ kind }]);
  });

  test('a movement of a subscriber without its reseller is refused; one of nobody is the platform’s', async () => {
    const { db } = database();
    const tenant = await addTenant(db);
    await expect(write([move(tenant, { reseller_id: null })])).rejects.toThrow('ledger_movements_owner');
    const owner = { subscriber_id: null, reseller_id: null, cycle_start: null };
    await write([move(tenant, owner)]);
    expect(await movementsOf(db, tenant)).toEqual([]);
  });
});

describe('what is written stays', () => {
  const statements = ['ledger_movements', 'ledger_entries'].flatMap((table) => [
    `update ${table} set ${table === 'ledger_entries' ? 'amount = amount + 1' : "author = 'x'"}`,
    `update ${table} set ${table === 'ledger_entries' ? 'amount = 1' : "author = 'x'"} where false`,
    `delete from ${table}`,
    `truncate ${table} cascade`,
  ]);
  test.each(statements)('%s', async (statement) => {
    const { db } = database();
    const tenant = await addTenant(db);
    await topUpWallet(db, tenant, 5n, `stays ${tenant.subscriber_id}`, 'test');
    const count = () =>
      db
        .selectFrom('ledger_entries')
        .select(({ fn }) => fn.countAll<bigint>().as('rows'))
        .executeTakeFirstOrThrow();
    const before = await count();
    await expect(sql.raw(statement).execute(db)).rejects.toThrow('the ledger is append-only');
    expect(await count()).toEqual(before);
  });
});
