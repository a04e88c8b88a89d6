import { changeUser, deleteUser, resetPassword, resetSecondFactor } from '../../admin/change-user.ts';
import { createUser } from '../../admin/create-user.ts';
import { tenantBelow } from '../../admin/tenant-below.ts';
import {
  changeUserRoute,
  checkUsernameRoute,
  createUserRoute,
  deleteUserRoute,
  listUsersRoute,
  readUserRoute,
  resetPasswordRoute,
  resetSecondFactorRoute,
  type User,
} from '../../contract/users.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import type { Db } from '../../stores/postgres/connect.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { findUser, listUsers, type UserRow, usernameIsFree } from '../../stores/postgres/users.ts';
import type { SessionStore } from '../../stores/redis/sessions.ts';
import type { Binder } from '../bind.ts';

function present(row: UserRow, permissions: Permissions | null): User {
  const writes = levelOf(permissions, 'section.users') === 'WRITE';
  const write = writes ? ['name', 'email', 'status'] : [];
  const actions = writes ? ['reset_password', 'reset_second_factor', 'delete'] : [];
  return { ...row, created_at: row.created_at.toISOString(), can: { write, limits: {}, do: actions } };
}

export interface UserRouteDependencies {
  readonly system: Db;
  readonly sessions: SessionStore;
  readonly onFailure: (error: Error) => void;
}

export function addUserRoutes(
  { bind }: Binder,
  { system, sessions, onFailure }: UserRouteDependencies,
): void {
  /** Whoever lost a password or a place is out at once, everywhere. Sessions know ids as the database writes them. */
  const endSessions = (user_id: string) => () =>
    void sessions.revokeUser(user_id.toLowerCase()).catch(onFailure);

  bind(listUsersRoute, async ({ tx, query, permissions }) => {
    const { items, next_cursor } = await listUsers(tx, query, query);
    return { items: items.map((row) => present(row, permissions)), next_cursor };
  });

  bind(readUserRoute, async ({ tx, params, permissions }) => {
    const user = await findUser(tx, params.user_id);
    if (!user) throw notFound();
    return present(user, permissions);
  });

  bind(checkUsernameRoute, async ({ params: { username } }) => ({
    username,
    free: await usernameIsFree(system, username),
  }));

  bind(createUserRoute, async ({ tx, viewer, body, permissions }) => {
    const owner = await tenantBelow(tx, viewer.tenant, body);
    const { user_id, password } = await createUser(tx, owner, body);
    const user = await findUser(tx, user_id);
    if (!user) throw notFound();
    return { ...present(user, permissions), password };
  });

  bind(changeUserRoute, async ({ tx, viewer, params, body, permissions, if_match, afterCommit }) => {
    const user = await changeUser(tx, viewer.actor, params.user_id, if_match, body);
    if (user.status === 'INACTIVE') afterCommit(endSessions(user.id));
    return present(user, permissions);
  });

  bind(resetPasswordRoute, async ({ tx, viewer, params, afterCommit }) => {
    const password = await resetPassword(tx, viewer.actor, params.user_id);
    afterCommit(endSessions(params.user_id));
    return { password };
  });

  bind(resetSecondFactorRoute, async ({ tx, viewer, params }) => {
    await resetSecondFactor(tx, viewer.actor, params.user_id);
    return null;
  });

  bind(deleteUserRoute, async ({ tx, viewer, params, if_match, afterCommit }) => {
    await deleteUser(tx, viewer.actor, params.user_id, if_match);
    afterCommit(endSessions(params.user_id));
    return null;
  });
}
