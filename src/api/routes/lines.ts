import { changeLine } from '../../admin/change-line.ts';
import { createLine } from '../../admin/create-line.ts';
import { deleteLine } from '../../admin/delete-line.ts';
import { regenerateLinePassword } from '../../admin/regenerate-line-password.ts';
import {
  changeLineRoute,
  createLineRoute,
  deleteLineRoute,
  type Line,
  listLinesRoute,
  readLineRoute,
  regenerateLinePasswordRoute,
} from '../../contract/lines.ts';
import { levelOf, mask, type PanelField, type Permissions, type Totals } from '../../domain/permissions.ts';
import { lockVersion, notFound, queueFor } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { findLine, type LineRow, listLines, sumConcurrentCalls } from '../../stores/postgres/line-reports.ts';
import type { Binder } from '../bind.ts';
import { canOf, judge } from '../permissions.ts';

const isHidden = (permissions: Permissions | null, field: PanelField) =>
  levelOf(permissions, field) === 'HIDDEN';

/** A row as its reader may see it. `sum` is over all lines of the reader; staff has no limits and needs none. */
function present(row: LineRow, permissions: Permissions | null, sum: number): Line {
  const actions = [
    ...(permissions ? [] : ['delete']),
    ...(levelOf(permissions, 'line.sip_password') === 'WRITE' ? ['regenerate_password'] : []),
  ];
  return {
    ...mask('line', { ...row, created_at: row.created_at.toISOString() }, permissions),
    can: canOf('line', permissions, actions, othersOf(row, sum)),
  };
}

/** What the subscriber's other lines have together. */
function othersOf(row: LineRow, sum: number): Totals {
  return { max_concurrent_calls: sum - row.max_concurrent_calls };
}

async function found(tx: Tx, line_id: string): Promise<LineRow> {
  const row = await findLine(tx, line_id);
  if (!row) throw notFound();
  return row;
}

async function one(tx: Tx, line_id: string, permissions: Permissions | null): Promise<Line> {
  const row = await found(tx, line_id);
  return present(row, permissions, permissions ? await sumConcurrentCalls(tx, row.subscriber_id) : 0);
}

export function addLineRoutes({ bind }: Binder): void {
  bind(listLinesRoute, async ({ tx, viewer, query, permissions }) => {
    const { tenant } = viewer;
    // What is hidden is not told by a filter either.
    if (query.status !== undefined && isHidden(permissions, 'line.status')) throw notFound('status');
    const hidden = isHidden(permissions, 'line.sip_username');
    const { items, next_cursor } = await listLines(tx, query, query, hidden);
    const sum = tenant.role === 'SUBSCRIBER' ? await sumConcurrentCalls(tx, tenant.subscriber_id) : 0;
    return { items: items.map((row) => present(row, permissions, sum)), next_cursor };
  });

  bind(readLineRoute, ({ tx, params, permissions }) => one(tx, params.line_id, permissions));

  bind(createLineRoute, async ({ tx, viewer, body, permissions }) => {
    const { id, sip_username, sip_password, sip_realm } = await createLine(tx, viewer.tenant, body);
    return { ...(await one(tx, id, permissions)), sip_username, sip_password, sip_realm };
  });

  bind(changeLineRoute, async ({ tx, viewer, params, body, permissions, if_match }) => {
    const { tenant } = viewer;
    // Two lines that grow at once do not both take what is left for one.
    if (tenant.role === 'SUBSCRIBER') await queueFor(tx, `calls of lines of ${tenant.subscriber_id}`);
    await lockVersion(tx, 'lines', params.line_id, if_match);
    const before = await found(tx, params.line_id);
    const sum = permissions ? await sumConcurrentCalls(tx, before.subscriber_id) : 0;
    judge('line', body, before, permissions, othersOf(before, sum));
    await changeLine(tx, tenant, before, body);
    return one(tx, before.id, permissions);
  });

  bind(deleteLineRoute, async ({ tx, params, if_match }) => {
    await deleteLine(tx, params.line_id, if_match);
    return null;
  });

  bind(regenerateLinePasswordRoute, async ({ tx, params, permissions }) => {
    await found(tx, params.line_id);
    // Never what it is now: the database has its digest only, so that any new one is a change.
    judge('line', { sip_password: true }, {}, permissions);
    const { sip_username, ...made } = await regenerateLinePassword(tx, params.line_id);
    return { ...made, ...mask('line', { sip_username }, permissions) };
  });
}
