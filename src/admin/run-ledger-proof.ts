import type { Db } from '../stores/postgres/connect.ts';
import { insertProof } from '../stores/postgres/ledger-proofs.ts';
import { type Difference, proveLedger } from '../stores/postgres/prove-ledger.ts';
import type { JobLog } from './close-cycle.ts';

/** Proves the ledger, keeps what was found for `/metrics` and for people, and logs an error when anything differs. */
export async function runLedgerProof(db: Db, log: JobLog): Promise<Difference[]> {
  const found = await proveLedger(db);
  await insertProof(db, found);
  const [first] = found;
  if (first) log.error({ differences: found.length, first }, 'the ledger differs from what it should be');
  else log.info({}, 'the ledger is proven');
  return found;
}
