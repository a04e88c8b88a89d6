import type { z } from 'zod';
import { deleteUnused } from '../../admin/delete-unused.ts';
import { changePermissionProfile, createPermissionProfile } from '../../admin/save-permission-profile.ts';
import { say } from '../../contract/language.ts';
import {
  changePermissionProfileRoute,
  createPermissionProfileRoute,
  deletePermissionProfileRoute,
  listPermissionProfilesRoute,
  type permissionProfileSchema,
  readPermissionProfileRoute,
} from '../../contract/permission-profiles.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import {
  findPermissionProfile,
  listPermissionProfiles,
  type PermissionProfileRow,
} from '../../stores/postgres/permission-profiles.ts';
import type { Binder } from '../bind.ts';

type PermissionProfile = z.infer<typeof permissionProfileSchema>;

function present(row: PermissionProfileRow): PermissionProfile {
  return { ...row, created_at: row.created_at.toISOString() };
}

async function one(tx: Tx, permission_profile_id: string): Promise<PermissionProfile> {
  const row = await findPermissionProfile(tx, permission_profile_id);
  if (!row) throw notFound();
  return present(row);
}

const IN_USE = say(
  'subscribers have it: give them another one first',
  'há assinantes com ele: dê-lhes outro antes',
);

/** Permission profiles: a reseller's own. */
export function addPermissionProfileRoutes({ bind }: Binder): void {
  bind(listPermissionProfilesRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listPermissionProfiles(tx, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readPermissionProfileRoute, ({ tx, params }) => one(tx, params.permission_profile_id));

  bind(createPermissionProfileRoute, async ({ tx, viewer, body }) =>
    one(tx, await createPermissionProfile(tx, viewer.tenant, body)),
  );

  bind(changePermissionProfileRoute, async ({ tx, params, body, if_match }) => {
    await changePermissionProfile(tx, params.permission_profile_id, if_match, body);
    return one(tx, params.permission_profile_id);
  });

  bind(deletePermissionProfileRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'permission_profiles', params.permission_profile_id, if_match, IN_USE);
    return null;
  });
}
