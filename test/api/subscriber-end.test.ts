import { beforeAll, describe, expect, test } from 'vitest';
import { expectStatus, subscriberDesk } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const URL = '/api/v1/subscribers';
const { ask, made, patch, post, read, remove, signInAs } = subscriberDesk(api, () => town);

describe('the end of a subscriber', () => {
  test('twenty at once take the places that are left, and no more', async () => {
    const { reseller_id } = town.ours;
    const { version, subscribers } = (await ask('master', 'GET', `/api/v1/resellers/${reseller_id}`)).body;
    const quota = (max_subscribers: number | null, at: number) =>
      ask('master', 'PATCH', `/api/v1/resellers/${reseller_id}`, {
        body: { max_subscribers },
        headers: { 'if-match': `"${at}"` },
      });
    expectStatus(await quota(subscribers + 3, version), 200);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(answer).toMatchObject({ status: 409, body: { code: 'QUOTA_REACHED' } });
    expectStatus(await quota(null, version + 1), 200);
  });

  test('one that was a mistake is deleted with all its parts', async () => {
    const bundles = [{ slot: 'FIXED_LOCAL', bundle_id: town.ours.minute_bundle_id }];
    const { id, version } = await made({ bundles, contacts: [{ name: 'x', email: 'x@example.com' }] });
    expect((await remove(id, version + 1)).status).toBe(412);
    expectStatus(await remove(id, version), 204);
    expect((await read(id)).status).toBe(404);
  });

  const top_up = (id: string) => ({
    url: `${URL}/${id}/top-ups`,
    body: { amount_micros: '1', reference: 'r' },
  });
  const kept: [string, (id: string) => { url: string; body: object }][] = [
    [
      'a line',
      (id) => ({
        url: '/api/v1/lines',
        body: { subscriber_id: id, extension: '201', name: 'x', area_code: '11' },
      }),
    ],
    ['money', top_up],
    [
      'a user',
      (id) => ({ url: '/api/v1/users', body: { subscriber_id: id, username: 'kept.one', name: 'x' } }),
    ],
    [
      'a key',
      (id) => ({
        url: '/api/v1/api-keys',
        body: { subscriber_id: id, name: 'x', scopes: ['READ'], expires_at: null },
      }),
    ],
    ['a number', (id) => ({ url: '/api/v1/numbers', body: { subscriber_id: id, number: '+551140009999' } })],
  ];
  test.each(kept)('one with %s stays, and is set INACTIVE', async (_, thing) => {
    const { id, version } = await made();
    const { url, body } = thing(id);
    expectStatus(await ask('reseller', 'POST', url, { body, headers: { 'idempotency-key': id } }), 201);
    expect(await remove(id, version)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect(expectStatus(await patch(id, version, { status: 'INACTIVE' }), 200).body.status).toBe('INACTIVE');
  });

  test('the users of an INACTIVE one do not sign in', async () => {
    const { id, version, access } = await made({ access: { username: 'gone.soon' } });
    const signIn = () => signInAs('gone.soon', access.password);
    expectStatus(await signIn(), 201);
    expectStatus(await patch(id, version, { status: 'INACTIVE' }), 200);
    expect((await signIn()).status).toBe(401);
    const listed = await ask('reseller', 'GET', `${URL}?status=INACTIVE&limit=500`);
    expect(listed.body.items.map((item: { id: string }) => item.id)).toContain(id);
  });
});
