import { changeRingGroup, createRingGroup, deleteRingGroup } from '../../admin/save-ring-group.ts';
import {
  changeRingGroupRoute,
  createRingGroupRoute,
  deleteRingGroupRoute,
  listRingGroupsRoute,
  type RingGroup,
  readRingGroupRoute,
} from '../../contract/ring-groups.ts';
import { lockVersion, notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { findRingGroup, listRingGroups, type RingGroupRow } from '../../stores/postgres/ring-groups.ts';
import type { Binder } from '../bind.ts';

const present = (row: RingGroupRow): RingGroup => ({ ...row, created_at: row.created_at.toISOString() });

async function found(tx: Tx, ring_group_id: string): Promise<RingGroupRow> {
  const row = await findRingGroup(tx, ring_group_id);
  if (!row) throw notFound();
  return row;
}

/** Groups of lines that ring together. */
export function addRingGroupRoutes({ bind }: Binder): void {
  bind(listRingGroupsRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listRingGroups(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readRingGroupRoute, async ({ tx, params }) => present(await found(tx, params.ring_group_id)));

  bind(createRingGroupRoute, async ({ tx, viewer, body }) =>
    present(await found(tx, await createRingGroup(tx, viewer.tenant, body))),
  );

  bind(changeRingGroupRoute, async ({ tx, params, body, if_match }) => {
    await lockVersion(tx, 'ring_groups', params.ring_group_id, if_match);
    await changeRingGroup(tx, await found(tx, params.ring_group_id), body);
    return present(await found(tx, params.ring_group_id));
  });

  bind(deleteRingGroupRoute, async ({ tx, params, if_match }) => {
    await deleteRingGroup(tx, params.ring_group_id, if_match);
    return null;
  });
}
