import { createTrunk } from '../../admin/create-trunk.ts';
import { deleteUnused } from '../../admin/delete-unused.ts';
import { say } from '../../contract/language.ts';
import {
  changeTrunkRoute,
  createTrunkRoute,
  deleteTrunkRoute,
  listTrunksRoute,
  readTrunkRoute,
  type Trunk,
} from '../../contract/trunks.ts';
import { requireCostPlan } from '../../stores/postgres/cost-plans.ts';
import { lockVersion, notFound, setColumns } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { findTrunk, listTrunks, type TrunkRow } from '../../stores/postgres/trunks.ts';
import type { Binder } from '../bind.ts';

const present = (row: TrunkRow): Trunk => ({ ...row, created_at: row.created_at.toISOString() });

async function one(tx: Tx, trunk_id: string): Promise<Trunk> {
  const row = await findTrunk(tx, trunk_id);
  if (!row) throw notFound();
  return present(row);
}

const IN_USE = say('it has had calls: set it INACTIVE instead', 'já teve chamadas: torne-o INACTIVE');

/** Trunks to carriers: the platform's own. */
export function addTrunkRoutes({ bind }: Binder): void {
  bind(listTrunksRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listTrunks(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readTrunkRoute, ({ tx, params }) => one(tx, params.trunk_id));

  bind(createTrunkRoute, async ({ tx, body }) => one(tx, await createTrunk(tx, body)));

  bind(changeTrunkRoute, async ({ tx, params, body, if_match }) => {
    await lockVersion(tx, 'trunks', params.trunk_id, if_match);
    await requireCostPlan(tx, body.cost_plan_id);
    await setColumns(tx, 'trunks', params.trunk_id, body);
    return one(tx, params.trunk_id);
  });

  bind(deleteTrunkRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'trunks', params.trunk_id, if_match, IN_USE);
    return null;
  });
}
