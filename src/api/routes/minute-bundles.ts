import { deleteUnused } from '../../admin/delete-unused.ts';
import { changeMinuteBundle, createMinuteBundle } from '../../admin/save-minute-bundle.ts';
import { say } from '../../contract/language.ts';
import {
  changeMinuteBundleRoute,
  createMinuteBundleRoute,
  deleteMinuteBundleRoute,
  listMinuteBundlesRoute,
  type MinuteBundle,
  readMinuteBundleRoute,
} from '../../contract/minute-bundles.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import {
  findMinuteBundle,
  listMinuteBundles,
  type MinuteBundleRow,
} from '../../stores/postgres/minute-bundles.ts';
import type { Binder } from '../bind.ts';

function present(row: MinuteBundleRow): MinuteBundle {
  return {
    ...row,
    monthly_price_micros: row.monthly_price_micros.toString(),
    created_at: row.created_at.toISOString(),
  };
}

async function one(tx: Tx, minute_bundle_id: string): Promise<MinuteBundle> {
  const row = await findMinuteBundle(tx, minute_bundle_id);
  if (!row) throw notFound();
  return present(row);
}

/** Where the panel hides which franquias a subscriber has, they are not there themselves either. */
const hidden = (permissions: Permissions | null) => levelOf(permissions, 'subscriber.bundles') === 'HIDDEN';

const IN_USE = say(
  'subscribers have it: give them another one first',
  'há assinantes com ela: dê-lhes outra antes',
);

/** Franquias: a reseller's own, and for subscribers to look at. */
export function addMinuteBundleRoutes({ bind }: Binder): void {
  bind(listMinuteBundlesRoute, async ({ tx, query, permissions }) => {
    if (hidden(permissions)) return { items: [], next_cursor: null };
    const { items, next_cursor } = await listMinuteBundles(tx, query, query);
    return { items: items.map(present), next_cursor };
  });

  bind(readMinuteBundleRoute, async ({ tx, params, permissions }) => {
    if (hidden(permissions)) throw notFound();
    return one(tx, params.minute_bundle_id);
  });

  bind(createMinuteBundleRoute, async ({ tx, viewer, body }) =>
    one(tx, await createMinuteBundle(tx, viewer.tenant, body)),
  );

  bind(changeMinuteBundleRoute, async ({ tx, params, body, if_match }) => {
    await changeMinuteBundle(tx, params.minute_bundle_id, if_match, body);
    return one(tx, params.minute_bundle_id);
  });

  bind(deleteMinuteBundleRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'minute_bundles', params.minute_bundle_id, if_match, IN_USE);
    return null;
  });
}
