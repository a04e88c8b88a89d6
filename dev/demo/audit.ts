import { proveLedger } from '../../src/stores/postgres/prove-ledger.ts';
import type { DemoDatabase } from './database.ts';

export interface Audit {
  readonly movements: number;
  readonly calls: number;
  /** What does not agree; empty when all is well. */
  readonly faults: readonly string[];
}

/** Compares records, wallets and ledger in the database itself, apart from the code that wrote them. */
export async function auditLedger({ db, pool }: DemoDatabase): Promise<Audit> {
  const count = async (table: string) => {
    const { rows } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${table}`);
    return rows[0]?.n ?? 0;
  };
  const faults = (await proveLedger(db)).map(({ what, id }) => `${what}: ${id}`);
  return { movements: await count('ledger_movements'), calls: await count('calls'), faults };
}
