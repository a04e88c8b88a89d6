import { createApiKey } from '../../admin/create-api-key.ts';
import {
  type ApiKey,
  createApiKeyRoute,
  listApiKeysRoute,
  revokeApiKeyRoute,
} from '../../contract/api-keys.ts';
import {
  type ApiKeyRow,
  findApiKeyById,
  listApiKeys,
  revokeApiKey,
} from '../../stores/postgres/api-key-reports.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Binder } from '../bind.ts';

const iso = (at: Date | null) => at?.toISOString() ?? null;

function present(row: ApiKeyRow): ApiKey {
  return {
    ...row,
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
    created_at: row.created_at.toISOString(),
  };
}

export interface ApiKeyDependencies {
  /** Closes what the key holds open; called once the key is revoked for everybody. */
  readonly onRevoked: (api_key_id: string) => void;
}

export function addApiKeyRoutes({ bind }: Binder, { onRevoked }: ApiKeyDependencies): void {
  bind(listApiKeysRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listApiKeys(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(createApiKeyRoute, async ({ tx, viewer, body }) => {
    const { id, key } = await createApiKey(tx, viewer, body);
    const row = await findApiKeyById(tx, id);
    if (!row) throw notFound();
    return { ...present(row), key };
  });

  bind(revokeApiKeyRoute, async ({ tx, params, afterCommit }) => {
    const row = await findApiKeyById(tx, params.api_key_id);
    if (!row) throw notFound();
    await revokeApiKey(tx, row.id);
    // The id as the database writes it: what is open is found by it, letter by letter.
    afterCommit(() => onRevoked(row.id));
    return null;
  });
}
