import { expect } from 'vitest';
import type { Database } from '../../../dev/world/database.ts';
import { blockOverdue, closeCycles } from '../../../src/admin/close-cycle.ts';
import { correctionEntries, topUpEntries, transferEntries } from '../../../src/domain/ledger.ts';
import { moveMoney, type Wallet } from '../../../src/stores/postgres/wallets.ts';
import { addTenant, type Tenant } from './use-tenants.ts';

const LOG = { info() {}, error: (fields: object) => expect.fail(JSON.stringify(fields)) };

/** Subscribers with cycles to close, and what comes of it. */
export function useBilled(database: () => Database) {
  /** Wallets that running calls were told of. */
  const told: Wallet[] = [];
  const closeAt = (at: string | Date) =>
    closeCycles(database().db, new Date(at), LOG, (wallet) => void told.push(wallet));
  const blockAt = (at: string) => blockOverdue(database().db, new Date(at), LOG);

  async function addBilled(
    more: { readonly billing_mode?: 'PREPAID' | 'POSTPAID' | 'BUNDLE'; readonly price?: bigint } = {},
  ): Promise<Tenant> {
    const { db } = database();
    const { billing_mode = 'BUNDLE', price } = more;
    const bundles = price === undefined ? {} : { FIXED_LOCAL: 600 };
    const tenant = await addTenant(db, { billing_mode, bundles });
    if (price !== undefined)
      await db
        .updateTable('minute_bundles')
        .set({ monthly_price_micros: price, name: 'Franquia 10' })
        .where('reseller_id', '=', tenant.reseller_id)
        .execute();
    return tenant;
  }

  const statementsOf = ({ subscriber_id }: Tenant) =>
    database()
      .db.selectFrom('statements')
      .selectAll()
      .where('subscriber_id', '=', subscriber_id)
      .orderBy('cycle_start')
      .execute();

  const statusOf = ({ subscriber_id }: Tenant) =>
    database()
      .db.selectFrom('subscribers')
      .select(['status', 'blocked_reason'])
      .where('id', '=', subscriber_id)
      .executeTakeFirstOrThrow();

  const balanceOf = async ({ subscriber_id }: Tenant) =>
    (
      await database()
        .db.selectFrom('wallets')
        .select('balance_micros')
        .where('subscriber_id', '=', subscriber_id)
        .executeTakeFirst()
    )?.balance_micros ?? 0n;

  let serial = 0;
  /** Money that somebody moved in this cycle. */
  function move(
    tenant: Tenant,
    kind: 'TOP_UP' | 'CORRECTION' | 'TRANSFER',
    amount: bigint,
    cycle_start: string,
  ) {
    const entries = { TOP_UP: topUpEntries, CORRECTION: correctionEntries, TRANSFER: transferEntries }[kind](
      tenant,
      amount,
    );
    const holder = { subscriber_id: tenant.subscriber_id, reseller_id: tenant.reseller_id };
    const reference = `test ${++serial}`;
    const named = { reference, leg: 'x', author: 'ana', reason: 'acerto' };
    return database()
      .db.transaction()
      .execute((tx) => moveMoney(tx, { holder, kind, amount, entries, cycle_start, ...named }));
  }
  return { told, closeAt, blockAt, addBilled, statementsOf, statusOf, balanceOf, move };
}
