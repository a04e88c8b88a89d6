import { beforeAll, beforeEach } from 'vitest';
import {
  addReseller,
  addSubscriber,
  type SubscriberOptions,
  type TestSubscriber,
} from '../../dev/world/tenants.ts';
import { addServer } from '../../src/admin/add-server.ts';
import { fieldsOf } from './people.ts';
import type { Answer, TestApi } from './use-api.ts';

export type Who = 'master' | 'reseller' | 'other' | 'subscriber';

/** Two resellers with subscribers that have money and keys, without any plan or person that money does not need. */
export function useMoneyDesk(api: () => TestApi) {
  let server_id = '';
  let reseller_id = '';
  let other_reseller_id = '';
  let serial = 0;
  const keys: Record<Who, string> = { master: '', reseller: '', other: '', subscriber: '' };
  /** As clients do: the same request with the same key again while there is no connection free for it. */
  async function ask(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const headers = { ...(method === 'POST' ? { 'idempotency-key': `desk-${++serial}` } : {}), ...more };
    const asking = { headers, ...(body === undefined ? {} : { body }) };
    for (;;) {
      const answer = await api().ask(keys[who], method, `/api/v1${path}`, asking);
      if (answer.status !== 503) return answer;
    }
  }
  const desk = {
    /** A prepaid subscriber of ours with R$ 10, and one that the key `subscriber` is of. */
    id: '',
    own: '',
    get reseller_id() {
      return reseller_id;
    },
    get server_id() {
      return server_id;
    },
    get other_reseller_id() {
      return other_reseller_id;
    },
    add(options: Partial<SubscriberOptions> = {}, of = reseller_id): Promise<TestSubscriber> {
      const at = { reseller_id: of, server_id };
      return addSubscriber(api().database.db, at, {
        billing_mode: 'PREPAID',
        balance_micros: 10_000_000n,
        ...options,
      });
    },
    ask,
    get: (path: string, who: Who = 'reseller') => ask(who, 'GET', path),
    post: (path: string, body: unknown, who: Who = 'reseller') => ask(who, 'POST', path, body),
    async balance(id?: string): Promise<bigint> {
      const row = await api()
        .database.db.selectFrom('wallets')
        .select('balance_micros')
        .where('subscriber_id', '=', id ?? desk.id)
        .executeTakeFirst();
      return row?.balance_micros ?? 0n;
    },
  };
  beforeAll(async () => {
    const { db } = api().database;
    server_id = (
      await addServer(db, { name: 'desk', ari_url: 'http://127.0.0.1:1', ami_host: '127.0.0.1', ami_port: 1 })
    ).id;
    [reseller_id, other_reseller_id] = [await addReseller(db), await addReseller(db)];
    desk.own = (await desk.add()).id;
    keys.master = await api().key({ role: 'MASTER' });
    keys.reseller = await api().key({ role: 'RESELLER', reseller_id });
    keys.other = await api().key({ role: 'RESELLER', reseller_id: other_reseller_id });
    keys.subscriber = await api().key({ role: 'SUBSCRIBER', reseller_id, subscriber_id: desk.own });
  });
  beforeEach(async () => {
    desk.id = (await desk.add()).id;
    api().wallets.length = 0;
    api().resellerWallets.length = 0;
  });
  return desk;
}

/** Status, code and the fields that a refusal names. */
export const refusal = (answer: Answer) => [answer.status, answer.body?.code, ...fieldsOf(answer)];
