import { changeSubscriber } from '../../admin/change-subscriber.ts';
import { createSubscriber } from '../../admin/create-subscriber.ts';
import { deleteUnused } from '../../admin/delete-unused.ts';
import { openCycle } from '../../admin/open-cycles.ts';
import type { LiveBoard } from '../../calls/live-board.ts';
import { say } from '../../contract/language.ts';
import {
  changeSubscriberRoute,
  createSubscriberRoute,
  deleteSubscriberRoute,
  listSubscribersRoute,
  readSubscriberRoute,
  type Subscriber,
} from '../../contract/subscribers.ts';
import { levelOf, maskFor, type PanelField, type Permissions } from '../../domain/permissions.ts';
import { lockVersion, notFound } from '../../stores/postgres/edit.ts';
import type { Tx } from '../../stores/postgres/ledger.ts';
import {
  type Contact,
  findSubscriber,
  listSubscribers,
  readContacts,
  type SubscriberRow,
} from '../../stores/postgres/subscribers.ts';
import type { Wallet } from '../../stores/postgres/wallets.ts';
import type { Binder } from '../bind.ts';
import type { EndSessions } from '../end-sessions.ts';
import { scopeOf } from '../live-scope.ts';
import { canOf, judge } from '../permissions.ts';

const micros = (amount: bigint | null) => amount?.toString() ?? null;

/** The ledger and the records point at it: it keeps its history. */
const IN_USE = say(
  'it has lines, users, keys, money or calls: set it INACTIVE instead',
  'tem linhas, usuários, chaves, dinheiro ou chamadas: torne-o INACTIVE',
);

const STAFF_ACTIONS = ['delete', 'top_up', 'enter', 'create_line', 'create_user', 'create_api_key'];

/**
 * Makes what a reader sees of rows; what it may is worked out once for all of them. Live calls are counted in memory,
 * contacts are read for one record only.
 */
function presenterFor(permissions: Permissions | null) {
  const hide = maskFor('subscriber', permissions);
  const can = canOf('subscriber', permissions, permissions ? [] : STAFF_ACTIONS);
  return (row: SubscriberRow, live_calls: number, contacts?: readonly Contact[]): Subscriber => {
    const whole = {
      ...row,
      credit_limit_micros: row.credit_limit_micros.toString(),
      balance_alert_micros: micros(row.balance_alert_micros),
      daily_spend_cap_micros: micros(row.daily_spend_cap_micros),
      balance_micros: row.balance_micros.toString(),
      created_at: row.created_at.toISOString(),
      live_calls,
      ...(contacts ? { contacts: [...contacts] } : {}),
    };
    return { ...hide(whole), can };
  };
}

export interface SubscriberDependencies {
  readonly board: LiveBoard;
  readonly endSessions: EndSessions;
  /** Lets running calls know of minutes that came in. */
  readonly walletChanged: (wallet: Wallet) => void;
}

export function addSubscriberRoutes(
  { bind }: Binder,
  { board, endSessions, walletChanged }: SubscriberDependencies,
): void {
  async function one(tx: Tx, subscriber_id: string, permissions: Permissions | null): Promise<Subscriber> {
    const row = await findSubscriber(tx, subscriber_id);
    if (!row) throw notFound();
    const live = board.rows({ subscriber_id: row.id }).length;
    return presenterFor(permissions)(row, live, await readContacts(tx, subscriber_id));
  }

  bind(listSubscribersRoute, async ({ tx, viewer, query, permissions }) => {
    const live = Map.groupBy(board.rows(scopeOf(viewer.tenant)), (row) => row.subscriber_id);
    const isHidden = (field: PanelField) => levelOf(permissions, field) === 'HIDDEN';
    // What is hidden is not told by a filter or by searching either.
    if (query.billing_mode !== undefined && isHidden('subscriber.billing_mode'))
      throw notFound('billing_mode');
    const documentIsHidden = isHidden('subscriber.document');
    const { items, next_cursor } = await listSubscribers(tx, query, query, documentIsHidden);
    const present = presenterFor(permissions);
    return {
      items: items.map((row) => present(row, live.get(row.id)?.length ?? 0)),
      next_cursor,
    };
  });

  bind(readSubscriberRoute, ({ tx, params, permissions }) => one(tx, params.subscriber_id, permissions));

  bind(createSubscriberRoute, async ({ tx, viewer, body, permissions }) => {
    const { id, access } = await createSubscriber(tx, viewer.tenant, body);
    return { ...(await one(tx, id, permissions)), access };
  });

  bind(changeSubscriberRoute, async ({ tx, params, body, permissions, if_match, afterCommit }) => {
    const { subscriber_id } = params;
    // Locked before it is judged: what it is compared with must be what it replaces.
    await lockVersion(tx, 'subscribers', subscriber_id, if_match);
    // What is hidden is not compared with: a change of it must not tell whether it was guessed right.
    const before = await one(tx, subscriber_id, permissions);
    judge('subscriber', body, before, permissions);
    await changeSubscriber(tx, subscriber_id, if_match, body);
    if (body.bundles || body.billing_mode) {
      const wallet = await openCycle(tx, before.id);
      if (wallet) afterCommit(() => walletChanged(wallet));
    }
    const after = await one(tx, subscriber_id, permissions);
    if (after.status === 'INACTIVE') afterCommit(() => endSessions({ subscriber_id: after.id }));
    return after;
  });

  bind(deleteSubscriberRoute, async ({ tx, params, if_match }) => {
    await deleteUnused(tx, 'subscribers', params.subscriber_id, if_match, IN_USE);
    return null;
  });
}
