import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { migrate } from '../../../src/stores/postgres/connect.ts';
import { TABLES } from './columns.ts';
import { useDatabase } from './use-tenants.ts';

const database = useDatabase();

interface ColumnRow {
  table_name: string;
  column_name: string;
  is_nullable: 'YES' | 'NO';
  data_type: string;
}

async function columns(): Promise<ColumnRow[]> {
  const { rows } = await sql<ColumnRow>`
    select table_name, column_name, is_nullable, data_type from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely_%'`.execute(database().db);
  return rows;
}

describe('the migrated database', () => {
  test('has exactly the tables that the code knows', async () => {
    const names = new Set((await columns()).map((row) => row.table_name));
    expect([...names].sort()).toEqual(Object.keys(TABLES).sort());
  });

  test.each(Object.keys(TABLES) as (keyof typeof TABLES)[])(
    'has exactly the columns of %s',
    async (table) => {
      const rows = (await columns()).filter((row) => row.table_name === table);
      const found = Object.fromEntries(
        rows.map((row) => [row.column_name, row.is_nullable === 'YES' ? '?' : '']),
      );
      expect(found).toEqual(TABLES[table]);
    },
  );

  test('keeps amounts in bigint, moments with their zone, and nothing in floats', async () => {
    const types = Object.fromEntries(
      (await columns()).map((row) => [`${row.table_name}.${row.column_name}`, row.data_type]),
    );
    for (const [name, type] of Object.entries(types)) {
      if (/_micros(_per_minute)?$/.test(name)) expect([name, type]).toEqual([name, 'bigint']);
      if (/(_at|valid_from)$/.test(name)) expect([name, type]).toEqual([name, 'timestamp with time zone']);
      if (/cycle_(start|end)$|_on$/.test(name)) expect([name, type]).toEqual([name, 'date']);
      expect([name, type]).not.toEqual([name, expect.stringMatching(/double|real|numeric|money/)]);
    }
    expect(types['ledger_entries.amount']).toBe('bigint');
  });

  test('is not migrated twice', async () => {
    expect(await migrate(database().db, { getMigrations: async () => MIGRATIONS })).toEqual([]);
  });

  test('names the migration that failed, and keeps nothing of it', async () => {
    const failing = {
      async up(db: Kysely<never>) {
        await sql`create table half (id integer)`.execute(db);
        throw new Error('no');
      },
    };
    const getMigrations = async () => ({ ...MIGRATIONS, '9999-failing': failing });
    await expect(migrate(database().db, { getMigrations })).rejects.toThrow('9999-failing');
    expect((await columns()).filter((row) => row.table_name === 'half')).toEqual([]);
  });
});
