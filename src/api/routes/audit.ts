import { listAuditRoute } from '../../contract/audit.ts';
import { type AuditRow, listAudit } from '../../stores/postgres/audit.ts';
import type { Binder } from '../bind.ts';

/** What happened by itself has nobody's name. */
const NOBODY = {
  id: null,
  name: null,
  role: null,
  as_reseller_id: null,
  as_subscriber_id: null,
  impersonating: false,
  reason: null,
  address: null,
};

function present(row: AuditRow) {
  return {
    ...row,
    id: row.id.toString(),
    at: row.at.toISOString(),
    actor: { ...NOBODY, ...row.actor },
  };
}

export function addAuditRoutes({ bind }: Binder): void {
  bind(listAuditRoute, async ({ tx, query }) => {
    const { items, next_cursor } = await listAudit(tx, query, query);
    return { items: items.map(present), next_cursor };
  });
}
