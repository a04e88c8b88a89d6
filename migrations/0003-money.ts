import { type Kysely, sql } from 'kysely';
import { ledger } from './0003/ledger.ts';
import { offices } from './0003/offices.ts';
import { prices } from './0003/prices.ts';
import { records } from './0003/records.ts';
import { walls } from './0003/walls.ts';

/** Versions of prices, cost plans, both wallets, minutes per cycle, statements, alerts and jobs. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const statement of [...prices, ...ledger, ...records, ...offices, ...walls])
    await sql.raw(statement).execute(db);
}
