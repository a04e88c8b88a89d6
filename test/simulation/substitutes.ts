import { vi } from 'vitest';
import type { AmiConnection, AmiOptions } from '../../src/asterisk/ami/connection.ts';
import type { LineFacts, TrunkFacts } from '../../src/domain/authorize.ts';
import type { NumberFacts } from '../../src/domain/authorize-inbound.ts';
import type { RateTable } from '../../src/domain/rate-table.ts';
import type { Db } from '../../src/stores/postgres/connect.ts';
import type { Ledger } from './ledger.ts';

/*
 * Real-time control asks Postgres through functions of src/stores/postgres, and opens AMI connections by itself. Here is
 * what stands in their place: each asks the database handle that it is given, which belongs to one process.
 */

export interface SimulatedDb extends Ledger {
  line(sip_username: string): Promise<LineFacts | null>;
  trunk(server_id: string): Promise<TrunkFacts | null>;
  trunkNamed(server_id: string, code: string): Promise<TrunkFacts | null>;
  number(number: string): Promise<NumberFacts | null>;
  table(version_id: string): Promise<RateTable | null>;
}

const of = (db: Db) => db as unknown as SimulatedDb;
export const asDb = (simulated: SimulatedDb) => simulated as unknown as Db;

/** Who answers AMI, by the name of the host. */
export const amiHosts = new Map<string, (options: AmiOptions) => Promise<AmiConnection>>();

vi.mock('../../src/stores/postgres/settlements.ts', async (original) => ({
  ...(await original()),
  settleCalls: (db: Db, records: Parameters<Ledger['settleCalls']>[0]) => of(db).settleCalls(records),
  settledAmong: (db: Db, ids: readonly string[]) => of(db).settledAmong(ids),
}));

vi.mock('../../src/stores/postgres/wallets.ts', async (original) => ({
  ...(await original()),
  openWallet: (db: Db, payer: Parameters<Ledger['openWallet']>[0], cycle_start: string) =>
    of(db).openWallet(payer, cycle_start),
  readWallets: (db: Db, ids: readonly string[]) => of(db).readWallets(ids),
}));

vi.mock('../../src/stores/postgres/reseller-wallets.ts', async (original) => ({
  ...(await original()),
  readResellerWallet: (db: Db, reseller_id: string) => of(db).readResellerWallet(reseller_id),
}));

vi.mock('../../src/stores/postgres/refusals.ts', () => ({
  recordRefusals: (db: Db, records: Parameters<Ledger['recordRefusals']>[0]) => of(db).recordRefusals(records),
}));

vi.mock('../../src/stores/postgres/lines.ts', () => ({
  findLineFacts: (db: Db, sip_username: string) => of(db).line(sip_username),
  findTrunkFacts: (db: Db, server_id: string) => of(db).trunk(server_id),
  findTrunkByCode: (db: Db, server_id: string, code: string) => of(db).trunkNamed(server_id, code),
  findNumberFacts: (db: Db, number: string) => of(db).number(number),
}));

vi.mock('../../src/stores/postgres/rate-shelf.ts', () => ({
  createRateShelf: (db: Db) => (version_id: string) => of(db).table(version_id),
}));

vi.mock('../../src/asterisk/ami/connection.ts', async (original) => ({
  ...(await original()),
  connectAmi: async (options: AmiOptions) => {
    const connect = amiHosts.get(options.host);
    if (!connect) throw new Error(`nobody is at ${options.host}`);
    return connect(options);
  },
}));
