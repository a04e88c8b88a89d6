import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { addReseller, addSubscriber } from '../../dev/world/tenants.ts';
import { subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

async function createLine(token: string, body: object) {
  const response = await fetch(`${world().control.url}/api/v1/lines`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('a new line', () => {
  test('registers and calls within five seconds of being created', async () => {
    const { subscriber } = await subscriberWithLine(world(), {
      billing_mode: 'POSTPAID',
      credit_limit_micros: 1_000_000n,
    });
    const token = await world().token({ role: 'RESELLER', reseller_id: subscriber.reseller_id });
    const from_ms = performance.now();
    const { status, body } = await createLine(token, {
      subscriber_id: subscriber.id,
      extension: '300',
      name: 'Recepção',
      area_code: '11',
    });
    expect(status).toBe(201);
    const account = { username: body.sip_username ?? '', password: body.sip_password ?? '' };
    await waitUntil(
      async () => {
        try {
          await world().phones.register(account);
          return true;
        } catch {
          return false;
        }
      },
      { timeout_ms: 5_000, what: 'the registration' },
    );
    const outcome = await (await world().phones.call(account, '11987654321', 300)).done;
    expect(outcome.status).toBe(200);
    expect(performance.now() - from_ms).toBeLessThan(5_000 + 300);
  });

  test('whatever its name is, it is a name', async () => {
    const { db } = world().database;
    const reseller_id = await addReseller(db, 'Revenda "1"; #include x');
    const subscriber = await addSubscriber(
      db,
      { reseller_id, server_id: world().server_id },
      { billing_mode: 'POSTPAID', credit_limit_micros: 1_000_000n, name: '[sub]\n#exec /bin/id' },
    );
    const token = await world().token({ role: 'RESELLER', reseller_id });
    const names = [
      '"quotes" <100>',
      'semi;colon',
      '$' + '{SHELL(id)}',
      '[from-x]\ncontext=other',
      '#exec /bin/id',
      'ção 日本 😀',
    ];
    const lines = await Promise.all(
      names.map((name, index) =>
        createLine(token, {
          subscriber_id: subscriber.id,
          extension: String(400 + index),
          // The API takes no line breaks; a name that got into the table by another way is a name all the same.
          name: name.replace('\n', ' '),
          area_code: '11',
        }),
      ),
    );
    for (const [index, name] of names.entries()) {
      const extension = String(400 + index);
      await db.updateTable('lines').set({ name }).where('extension', '=', extension).execute();
    }
    await world().provisioned();
    for (const { body } of lines) {
      const account = { username: body.sip_username ?? '', password: body.sip_password ?? '' };
      expect(await (await world().phones.call(account, '11987654321', 200)).done).toMatchObject({
        status: 200,
      });
    }
  });
});

describe('what is refused', () => {
  test('a wrong password, and a line that nobody created', async () => {
    const { line } = await subscriberWithLine(world(), { billing_mode: 'PREPAID' });
    const wrong = { username: line.username, password: 'wrong' };
    await expect(world().phones.register(wrong)).rejects.toThrow();
    expect(await (await world().phones.call(wrong, '11987654321')).done).toMatchObject({
      status: 401,
      rang: false,
    });
    const stranger = { username: 'nobody123', password: 'x' };
    expect(await (await world().phones.call(stranger, '190')).done).toMatchObject({
      status: 401,
      rang: false,
    });
  });

  test('a token that no server has, and the files of another server', async () => {
    const get = (path: string, token: string) =>
      fetch(`${world().control.url}/provisioning/v1/${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
    const refused = await get('revision', 'pabx_wrong');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await refused.json()).toMatchObject({
      code: 'UNAUTHENTICATED',
      detail: 'no server has this token',
    });
    expect((await fetch(`${world().control.url}/provisioning/v1/revision`)).status).toBe(401);

    const own = readFileSync(join(world().pabx.instance.outside, 'token'), 'utf8');
    expect((await get(`revisions/${'0'.repeat(64)}/pjsip-lines.conf`, own)).status).toBe(404);
    expect((await get('revisions/..%2f..%2fetc/passwd', own)).status).toBe(404);
  });

  test('the passwords of the switch are in its own files only', () => {
    const folder = world().pabx.instance.outside;
    const { ari_password } = world().access;
    expect(readFileSync(join(folder, 'current', 'ari-users.conf'), 'utf8')).toContain(ari_password);
    expect(readFileSync(world().control.logFile, 'utf8')).not.toContain(ari_password);
    const pulled = join(folder, 'pull.log');
    expect(existsSync(pulled) ? readFileSync(pulled, 'utf8') : '').not.toContain(ari_password);
  });
});
