import { changeNumber, createNumber, deleteNumber } from '../../admin/save-number.ts';
import {
  changeNumberRoute,
  createNumberRoute,
  deleteNumberRoute,
  listNumbersRoute,
  type PhoneNumber,
  readNumberRoute,
} from '../../contract/numbers.ts';
import { mask, type Permissions } from '../../domain/permissions.ts';
import { lockVersion, notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import { findNumber, listNumbers, type NumberRow } from '../../stores/postgres/numbers.ts';
import type { Binder } from '../bind.ts';
import { canOf, judge } from '../permissions.ts';

function present(row: NumberRow, permissions: Permissions | null): PhoneNumber {
  return {
    ...mask('number', { ...row, created_at: row.created_at.toISOString() }, permissions),
    can: canOf('number', permissions, permissions ? [] : ['delete']),
  };
}

async function found(tx: Tx, did_id: string): Promise<NumberRow> {
  const row = await findNumber(tx, did_id);
  if (!row) throw notFound();
  return row;
}

export function addNumberRoutes({ bind }: Binder): void {
  bind(listNumbersRoute, async ({ tx, query, permissions }) => {
    const { items, next_cursor } = await listNumbers(tx, query, query);
    return { items: items.map((row) => present(row, permissions)), next_cursor };
  });

  bind(readNumberRoute, async ({ tx, params, permissions }) =>
    present(await found(tx, params.did_id), permissions),
  );

  bind(createNumberRoute, async ({ tx, viewer, body, permissions }) => {
    const did_id = await createNumber(tx, viewer.tenant, body);
    return present(await found(tx, did_id), permissions);
  });

  bind(changeNumberRoute, async ({ tx, params, body, permissions, if_match }) => {
    await lockVersion(tx, 'dids', params.did_id, if_match);
    const before = await found(tx, params.did_id);
    judge('number', body, before, permissions);
    await changeNumber(tx, before, body);
    return present(await found(tx, before.id), permissions);
  });

  bind(deleteNumberRoute, async ({ tx, params, if_match }) => {
    await deleteNumber(tx, params.did_id, if_match);
    return null;
  });
}
