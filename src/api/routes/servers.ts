import { addServer } from '../../admin/add-server.ts';
import { deleteUnused } from '../../admin/delete-unused.ts';
import { nameDuplicate } from '../../admin/name-duplicate.ts';
import { renewServerToken } from '../../admin/renew-server-token.ts';
import { say } from '../../contract/language.ts';
import {
  changeServerRoute,
  createServerRoute,
  deleteServerRoute,
  listServersRoute,
  readServerRoute,
  renewServerTokenRoute,
  type Server,
} from '../../contract/servers.ts';
import { lockVersion, notFound, setColumns } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import {
  findServerReport,
  listServerReports,
  type ServerReport,
} from '../../stores/postgres/server-reports.ts';
import type { Binder } from '../bind.ts';

function present(row: ServerReport): Server {
  return {
    ...row,
    newest_revision_at: row.newest_revision_at?.toISOString() ?? null,
    acknowledged_at: row.acknowledged_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

async function one(tx: Tx, server_id: string): Promise<Server> {
  const row = await findServerReport(tx, server_id);
  if (!row) throw notFound();
  return present(row);
}

const IN_USE = say(
  'it has subscribers, trunks or calls: calls name their server for good',
  'tem assinantes, troncos ou chamadas: as chamadas registram seu servidor para sempre',
);

/** Asterisk servers: the platform's own. */
export function addServerRoutes({ bind }: Binder): void {
  bind(listServersRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listServerReports(tx, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readServerRoute, ({ tx, params }) => one(tx, params.server_id));

  bind(createServerRoute, async ({ tx, body }) => {
    const { id, token } = await addServer(tx, body).catch(nameDuplicate);
    return { ...(await one(tx, id)), token };
  });

  bind(changeServerRoute, async ({ tx, params, body, if_match }) => {
    await lockVersion(tx, 'asterisk_servers', params.server_id, if_match);
    await setColumns(tx, 'asterisk_servers', params.server_id, body);
    return one(tx, params.server_id);
  });

  bind(deleteServerRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'asterisk_servers', params.server_id, if_match, IN_USE);
    return null;
  });

  bind(renewServerTokenRoute, async ({ tx, params }) => ({
    token: await renewServerToken(tx, params.server_id),
  }));
}
