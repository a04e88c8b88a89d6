import type { LiveBoard } from '../../calls/live-board.ts';
import { listCallsRoute, listLiveCallsRoute, listRefusalsRoute } from '../../contract/calls.ts';
import { levelOf, mask, type Permissions } from '../../domain/permissions.ts';
import type { LimitLevel } from '../../domain/refusals.ts';
import type { Role } from '../../domain/tenant.ts';
import { type CallRow, listCalls, listRefusals, type RefusalRow } from '../../stores/postgres/reports.ts';
import type { Binder } from '../bind.ts';
import { maskLive, scopeOf } from '../live-scope.ts';

const numbersAreHidden = (permissions: Permissions | null) =>
  levelOf(permissions, 'call.number') === 'HIDDEN';

/** Only for whom the database gave them. */
function presentCosts(loss?: boolean, wholesale?: bigint, carrier?: bigint, total = 0n) {
  if (wholesale === undefined) return {};
  const own = {
    loss,
    wholesale_micros: wholesale.toString(),
    margin_micros: (total - wholesale).toString(),
  };
  return carrier === undefined ? own : { ...own, carrier_micros: carrier.toString() };
}

function presentCall(
  { loss, wholesale_micros, cost_micros, ...row }: CallRow,
  permissions: Permissions | null,
) {
  const whole = {
    ...row,
    created_at: row.created_at.toISOString(),
    ringing_at: row.ringing_at?.toISOString() ?? null,
    answered_at: row.answered_at?.toISOString() ?? null,
    ended_at: row.ended_at.toISOString(),
    total_micros: row.total_micros.toString(),
  };
  return {
    ...mask('call', whole, permissions),
    ...presentCosts(loss, wholesale_micros, cost_micros, row.total_micros),
  };
}

/** Limits that are shared with others: their calls hold them too, and are none of the reader's business. */
const SHARED: Readonly<Record<Role, readonly LimitLevel[]>> = {
  MASTER: [],
  RESELLER: ['TRUNK'],
  SUBSCRIBER: ['TRUNK', 'RESELLER'],
};

function presentRefusal(row: RefusalRow, role: Role, permissions: Permissions | null) {
  const shared = row.limit_level !== null && SHARED[role].includes(row.limit_level);
  const whole = {
    ...row,
    holders: shared ? null : row.holders,
    created_at: row.created_at.toISOString(),
  };
  return mask('call', whole, permissions);
}

export function addCallRoutes({ bind }: Binder, board: LiveBoard): void {
  bind(listLiveCallsRoute, async ({ viewer, permissions }) => ({
    items: board.rows(scopeOf(viewer.tenant)).map(maskLive(viewer.tenant.role, permissions)),
  }));

  bind(listCallsRoute, async ({ tx, viewer, query, permissions }) => {
    const reader = { role: viewer.tenant.role, numbersAreHidden: numbersAreHidden(permissions) };
    const { items, next_cursor } = await listCalls(tx, query, query, reader);
    return { items: items.map((row) => presentCall(row, permissions)), next_cursor };
  });

  bind(listRefusalsRoute, async ({ tx, viewer, query, permissions }) => {
    const { items, next_cursor } = await listRefusals(tx, query, query, numbersAreHidden(permissions));
    const { role } = viewer.tenant;
    return { items: items.map((row) => presentRefusal(row, role, permissions)), next_cursor };
  });
}
