import { changeReseller } from '../../admin/change-reseller.ts';
import { createReseller } from '../../admin/create-reseller.ts';
import { deleteUnused } from '../../admin/delete-unused.ts';
import { say } from '../../contract/language.ts';
import {
  changeResellerRoute,
  createResellerRoute,
  deleteResellerRoute,
  listResellersRoute,
  type Reseller,
  readResellerRoute,
} from '../../contract/resellers.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { findReseller, listResellers, type ResellerRow } from '../../stores/postgres/resellers.ts';
import type { Binder } from '../bind.ts';
import type { EndSessions } from '../end-sessions.ts';

const present = (row: ResellerRow): Reseller => ({
  ...row,
  credit_limit_micros: row.credit_limit_micros.toString(),
  balance_micros: row.balance_micros.toString(),
  created_at: row.created_at.toISOString(),
});

async function one(tx: Tx, reseller_id: string): Promise<Reseller> {
  const row = await findReseller(tx, reseller_id);
  if (!row) throw notFound();
  return present(row);
}

const IN_USE = say(
  'it has subscribers, plans, users or calls: set it INACTIVE instead',
  'tem assinantes, planos, usuários ou chamadas: torne-a INACTIVE',
);

/** Resellers: the master's to keep, and each reseller's own to look at. */
export function addResellerRoutes({ bind }: Binder, endSessions: EndSessions): void {
  bind(listResellersRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listResellers(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readResellerRoute, ({ tx, params }) => one(tx, params.reseller_id));

  bind(createResellerRoute, async ({ tx, body }) => one(tx, await createReseller(tx, body)));

  bind(changeResellerRoute, async ({ tx, params, body, if_match, afterCommit }) => {
    await changeReseller(tx, params.reseller_id, if_match, body);
    const reseller = await one(tx, params.reseller_id);
    if (reseller.status === 'INACTIVE') afterCommit(() => endSessions({ reseller_id: reseller.id }));
    return reseller;
  });

  bind(deleteResellerRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'resellers', params.reseller_id, if_match, IN_USE);
    return null;
  });
}
