import { listMovementsRoute, listResellerMovementsRoute } from '../../contract/movements.ts';
import {
  listStatementsRoute,
  listSubscriberStatementsRoute,
  readStatementRoute,
} from '../../contract/statements.ts';
import { formatReais } from '../../domain/money.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { listMovements, type MovementRow } from '../../stores/postgres/movements.ts';
import { findReseller } from '../../stores/postgres/resellers.ts';
import { findStatement, listStatements, type StatementRow } from '../../stores/postgres/statement-reports.ts';
import type { Binder } from '../bind.ts';

const isHidden = (permissions: Permissions | null, field: 'call.cost' | 'subscriber.balance') =>
  levelOf(permissions, field) === 'HIDDEN';

/** A statement is balance and costs through and through: who may not see them has none. */
function requireMoney(permissions: Permissions | null): void {
  if (isHidden(permissions, 'call.cost') || isHidden(permissions, 'subscriber.balance')) throw notFound();
}

function presentMovement({ amount_micros, ...row }: MovementRow, costIsHidden: boolean) {
  return {
    ...row,
    id: row.id.toString(),
    ...(row.kind === 'CALL' && costIsHidden ? {} : { amount_micros: amount_micros.toString() }),
    created_at: row.created_at.toISOString(),
  };
}

function presentStatement(row: StatementRow) {
  return {
    ...row,
    closed_at: row.closed_at.toISOString(),
    opening_balance_micros: row.opening_balance_micros.toString(),
    closing_balance_micros: row.closing_balance_micros.toString(),
    due_micros: row.due_micros.toString(),
    due_shown: formatReais(row.due_micros),
  };
}

async function payerOf(tx: Tx, subscriber_id: string) {
  // The id as the database writes it: accounts are named after it, letter by letter.
  const payer = await tx
    .selectFrom('subscribers')
    .select(['id as subscriber_id', 'reseller_id'])
    .where('id', '=', subscriber_id)
    .executeTakeFirst();
  if (!payer) throw notFound();
  return payer;
}

/** What moved money and minutes, one by one and by cycle. */
export function addStatementRoutes({ bind }: Binder): void {
  bind(listMovementsRoute, async ({ tx, params, query, permissions }) => {
    const payer = await payerOf(tx, params.subscriber_id);
    const { items, next_cursor } = await listMovements(tx, payer, query, query);
    const costIsHidden = isHidden(permissions, 'call.cost');
    return { items: items.map((row) => presentMovement(row, costIsHidden)), next_cursor };
  });

  bind(listResellerMovementsRoute, async ({ tx, params, query }) => {
    const reseller = await findReseller(tx, params.reseller_id);
    if (!reseller) throw notFound();
    const holder = { subscriber_id: null, reseller_id: reseller.id };
    const { items, next_cursor } = await listMovements(tx, holder, query, query);
    return { items: items.map((row) => presentMovement(row, false)), next_cursor };
  });

  bind(listSubscriberStatementsRoute, async ({ tx, params, query, permissions }) => {
    requireMoney(permissions);
    const { subscriber_id } = await payerOf(tx, params.subscriber_id);
    const { items, next_cursor } = await listStatements(tx, query, { subscriber_id });
    return { items: items.map(presentStatement), next_cursor };
  });

  bind(listStatementsRoute, async ({ tx, query, permissions }) => {
    requireMoney(permissions);
    const { items, next_cursor } = await listStatements(tx, query, query);
    return { items: items.map(presentStatement), next_cursor };
  });

  bind(readStatementRoute, async ({ tx, params, permissions }) => {
    requireMoney(permissions);
    const statement = await findStatement(tx, params.statement_id);
    if (!statement) throw notFound();
    const { lines, ...row } = statement;
    const { usage, bundles, totals } = lines;
    return { ...presentStatement(row), usage: [...usage], bundles: [...bundles], totals: [...totals] };
  });
}
