import type { PermissionSet } from '../domain/permissions.ts';
import type { Tenant } from '../domain/tenant.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireReseller } from '../stores/postgres/resellers.ts';
import { checkPermissions } from './check-subscriber.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { ownerOf } from './owner-of.ts';

export interface NewPermissionProfile {
  readonly reseller_id?: string | undefined;
  readonly name: string;
  readonly permissions: PermissionSet;
}

/** Creates a permission profile. Gives its id. Throws INVALID_REQUEST, NOT_FOUND, CONFLICT. */
export async function createPermissionProfile(
  tx: Tx,
  tenant: Tenant,
  body: NewPermissionProfile,
): Promise<string> {
  const { name, permissions } = body;
  checkPermissions(permissions);
  const reseller_id = ownerOf(tenant, body.reseller_id);
  await requireReseller(tx, reseller_id);
  const { id } = await tx
    .insertInto('permission_profiles')
    .values({ reseller_id, name, permissions: JSON.stringify(permissions) })
    .returning('id')
    .executeTakeFirstOrThrow()
    .catch(nameDuplicate);
  return id;
}

/** Changes the fields that are there, for everybody who has the profile; the set is replaced as a whole. */
export async function changePermissionProfile(
  tx: Tx,
  permission_profile_id: string,
  version: number,
  change: { readonly name?: string | undefined; readonly permissions?: PermissionSet | undefined },
): Promise<void> {
  const { name, permissions } = change;
  if (permissions) checkPermissions(permissions);
  await lockVersion(tx, 'permission_profiles', permission_profile_id, version);
  await setColumns(tx, 'permission_profiles', permission_profile_id, {
    name,
    permissions: permissions && JSON.stringify(permissions),
  }).catch(nameDuplicate);
}
