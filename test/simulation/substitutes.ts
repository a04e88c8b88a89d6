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

type Settlements = typeof import('../../src/stores/postgres/settlements.ts');
type Wallets = typeof import('../../src/stores/postgres/wallets.ts');
type ResellerWallets = typeof import('../../src/stores/postgres/reseller-wallets.ts');
type Refusals = typeof import('../../src/stores/postgres/refusals.ts');

export interface SimulatedDb extends Ledger {
  line(sip_username: string): Promise<LineFacts | null>;
  trunk(server_id: string): Promise<TrunkFacts | null>;
  trunkNamed(server_id: string, code: string): Promise<TrunkFacts | null>;
  number(number: string): Promise<NumberFacts | null>;
  table(version_id: string): Promise<RateTable | null>;
}

const simulated = new WeakSet<object>();

/** As the product takes it. */
export function asDb(db: SimulatedDb): Db {
  simulated.add(db);
  return db as unknown as Db;
}

const of = (db: Db) => db as unknown as SimulatedDb;

/** Who answers AMI, by the name of the host. */
export const amiHosts = new Map<string, (options: AmiOptions) => Promise<AmiConnection>>();

/** The product's own functions, which ask the simulation when their database is simulated. */
function instead<T extends object>(real: T, names: readonly (keyof T & keyof SimulatedDb & string)[]): T {
  const ask =
    (name: (typeof names)[number]) =>
    (db: Db, ...given: unknown[]) => {
      const asked = simulated.has(db) ? (of(db)[name] as (...all: unknown[]) => unknown) : null;
      return asked ? asked(...given) : (real[name] as (...all: unknown[]) => unknown)(db, ...given);
    };
  return { ...real, ...Object.fromEntries(names.map((name) => [name, ask(name)])) };
}

vi.mock('../../src/stores/postgres/settlements.ts', async (original) =>
  instead(await original<Settlements>(), ['settleCalls', 'settledAmong']),
);

vi.mock('../../src/stores/postgres/wallets.ts', async (original) =>
  instead(await original<Wallets>(), ['openWallet', 'readWallets']),
);

vi.mock('../../src/stores/postgres/reseller-wallets.ts', async (original) =>
  instead(await original<ResellerWallets>(), ['readResellerWallet']),
);

vi.mock('../../src/stores/postgres/refusals.ts', async (original) =>
  instead(await original<Refusals>(), ['recordRefusals']),
);

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
