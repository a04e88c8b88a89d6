import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBlockLinks } from '../../src/admin/block-links.ts';
import {
  createBlockLinkRoute,
  createBlockRoute,
  liftBlockRoute,
  listBlocksRoute,
  type NewBlock,
} from '../../src/contract/blocks.ts';
import type { Client } from '../../src/contract/client.ts';
import { listNoticesRoute, readNoticeRoute } from '../../src/contract/notices.ts';
import { BLOCKABLE_CLASSES } from '../../src/domain/blocks.ts';
import type { AccessLevel } from '../../src/domain/permissions.ts';
import { addTown, type Town } from './tenants.ts';
import { SECRET, useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let master: Client;
let reseller: Client;
let subscriber: Client;

beforeAll(async () => {
  town = await addTown(api());
  master = api().client(town.keys.master);
  reseller = api().client(town.keys.reseller);
  subscriber = api().client(town.keys.subscriber);
});

/** Every test begins with the brake's block in force and not told of. */
beforeEach(async () => {
  await api().database.pool.query(
    `update blocks set lifted_at = null, lifted_by = null, ends_at = now() + interval '1 hour'`,
  );
  await api().database.pool.query('update notices set read_at = null');
});

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const ofOurs = (more: Partial<NewBlock> = {}) => ({
  line_id: town.ours.line_id,
  reason: 'FRAUD' as const,
  ends_at: inMinutes(60),
  ...more,
});

async function letDo(level: AccessLevel): Promise<void> {
  await api().database.pool.query('update subscribers set permissions = $1 where id = $2', [
    JSON.stringify({ 'section.blocks': { level } }),
    town.ours.subscriber_id,
  ]);
}

describe('a block that people make', () => {
  test('is of a line, of a subscriber or of a reseller, of some classes or of all', async () => {
    const { reseller_id, subscriber_id, line_id } = town.ours;
    const outbound = BLOCKABLE_CLASSES.filter((one) => one !== 'INBOUND');
    expect(await reseller(createBlockRoute, { body: ofOurs({ call_classes: ['PREMIUM'] }) })).toMatchObject({
      ...{ reseller_id, subscriber_id, line_id, call_classes: ['PREMIUM'], direction: 'OUT' },
      ...{ origin: 'RESELLER', reason: 'FRAUD', can_lift: true, lifted_at: null, detail: null },
    });
    const { line_id: _, ...rest } = ofOurs({ subscriber_id, direction: 'IN' });
    expect(await master(createBlockRoute, { body: rest })).toMatchObject({
      ...{ subscriber_id, line_id: null, call_classes: ['INBOUND'], direction: 'IN', origin: 'MASTER' },
    });
    const { line_id: __, ...whole } = ofOurs();
    expect(await reseller(createBlockRoute, { body: whole })).toMatchObject({
      ...{ reseller_id, subscriber_id: null, call_classes: outbound },
    });
  });

  test.each([
    ['of emergency numbers', { call_classes: ['EMERGENCY'] }],
    ['of internal calls', { call_classes: ['INTERNAL'] }],
    ['of nothing', { call_classes: [] }],
    ['without an end', { ends_at: undefined }],
    ['that is over', { ends_at: new Date(Date.now() - 1_000).toISOString() }],
    ['for ever', { ends_at: '2400-01-01T00:00:00Z' }],
    ['on suspicion', { reason: 'SUSPICION' }],
  ])('is none %s', async (_, more) => {
    const { status } = await api().ask(town.keys.reseller, 'POST', '/api/v1/blocks', {
      body: { ...ofOurs(), ...more },
    });
    expect(status).toBe(400);
  });

  test.each([
    ['reseller', 'stranger'],
    ['subscriber', 'ours'],
  ] as const)('is not made by a %s of calls of a %s', async (who, whose) => {
    const { line_id } = town[whose];
    const { status } = await api().ask(town.keys[who], 'POST', '/api/v1/blocks', {
      body: ofOurs({ line_id }),
    });
    expect(status).toBe(404);
  });
});

describe('lifting', () => {
  test.each(['master', 'reseller'] as const)('a %s lifts a block of the brake, once', async (who) => {
    const client = { master, reseller }[who];
    const params = { block_id: town.ours.block_id };
    const lifted = await client(liftBlockRoute, { params });
    expect(lifted).toMatchObject({ can_lift: false, lifted_by: 'test' });
    await expect(client(liftBlockRoute, { params })).rejects.toMatchObject({ code: 'CONFLICT' });
    const { rows } = await api().database.pool.query(
      `select actor ->> 'role' as role from audit_log where object_id = $1 and after ->> 'lifted_by' = 'test'`,
      [town.ours.block_id],
    );
    expect(rows).toContainEqual({ role: who.toUpperCase() });
  });

  test.each([
    ['HIDDEN', 'NOT_FOUND'],
    ['READ', 'FIELD_NOT_PERMITTED'],
    ['WRITE', null],
  ] as const)('a subscriber with the level %s: %s', async (level, code) => {
    await letDo(level);
    const lifting = subscriber(liftBlockRoute, { params: { block_id: town.ours.block_id } });
    if (code) await expect(lifting).rejects.toMatchObject({ code });
    else expect(await lifting).toMatchObject({ lifted_by: null, created_by: null });
  });

  test('nobody lifts what was placed above', async () => {
    await letDo('WRITE');
    const ofReseller = await reseller(createBlockRoute, { body: ofOurs() });
    const ofMaster = await master(createBlockRoute, { body: ofOurs() });
    const tries: [Client, string][] = [
      [subscriber, ofReseller.id],
      [subscriber, ofMaster.id],
      [reseller, ofMaster.id],
    ];
    for (const [client, block_id] of tries)
      await expect(client(liftBlockRoute, { params: { block_id } })).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
    const listed = await reseller(listBlocksRoute, { query: { in_force: 'true' } });
    const may = Object.fromEntries(listed.items.map(({ id, can_lift }) => [id, can_lift]));
    expect(may).toMatchObject({ [ofReseller.id]: true, [ofMaster.id]: false });
  });
});

describe('a link', () => {
  const visit = async (method: 'GET' | 'POST', path: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'accept-language': 'pt' };
    const { status, text } = await api().ask(null, method, path, { headers });
    return { status, text };
  };
  const linkOf = async (block_id: string) =>
    (await reseller(createBlockLinkRoute, { params: { block_id } })).path;
  const isLifted = async () => {
    const { rows } = await api().database.pool.query('select lifted_by from blocks where id = $1', [
      town.ours.block_id,
    ]);
    return rows[0].lifted_by;
  };

  test('shows the block to whoever opens it, and lifts it for who confirms, once', async () => {
    const path = await linkOf(town.ours.block_id);
    for (let i = 0; i < 3; i += 1) {
      const { status, text } = await visit('GET', path);
      expect(status).toBe(200);
      expect(text).toContain(`As chamadas de ${town.ours.name}, 201 estão bloqueadas`);
    }
    expect(await isLifted()).toBeNull();
    expect((await visit('POST', path)).text).toContain('Pronto');
    expect(await isLifted()).toBe('link');
    for (const method of ['GET', 'POST'] as const) expect((await visit(method, path)).status).toBe(404);
  });

  test('is used once, although two people press the button at the same moment', async () => {
    const path = await linkOf(town.ours.block_id);
    const answers = await Promise.all(Array.from({ length: 8 }, () => visit('POST', path)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('that is forged, of another installation, over or of an ended block lifts nothing', async () => {
    const { block_id } = town.ours;
    const links = createBlockLinks(SECRET);
    const [soon, past] = [Date.now() + 60_000, Date.now() - 1_000];
    const good = links.tokenFor(block_id, soon);
    const [id = '', seconds = '', signature = ''] = good.split('.');
    const forged = [
      createBlockLinks(`${SECRET}x`).tokenFor(block_id, soon),
      links.tokenFor(block_id, past),
      `${id}.${Number(seconds) + 3_600}.${signature}`,
      `${town.stranger.block_id}.${seconds}.${signature}`,
      `${good}A`,
      good.toUpperCase(),
      `${id}.${seconds}.`,
      `${id}..${signature}`,
      'x',
      "';drop table blocks;--",
    ];
    for (const token of forged)
      for (const method of ['GET', 'POST'] as const)
        expect([token, (await visit(method, `/unblock/${encodeURIComponent(token)}`)).status]).toEqual([
          token,
          404,
        ]);
    expect(await isLifted()).toBeNull();
    await api().database.pool.query(`update blocks set created_at = now() - interval '2 hours',
      ends_at = now() - interval '1 second' where id = '${block_id}'`);
    expect((await visit('POST', `/unblock/${good}`)).status).toBe(404);
    expect(await isLifted()).toBeNull();
  });

  test('is good for no longer than the block, and there is none to a block of people', async () => {
    const { block_id } = town.ours;
    const { expires_at } = await reseller(createBlockLinkRoute, { params: { block_id } });
    const { items } = await reseller(listBlocksRoute);
    expect(Date.parse(expires_at)).toBe(Date.parse(items.find(({ id }) => id === block_id)?.ends_at ?? ''));
    const made = await reseller(createBlockRoute, { body: ofOurs() });
    await expect(linkOf(made.id)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('notices', () => {
  test('are for whom they are written, until they are read', async () => {
    const { items } = await subscriber(listNoticesRoute, { query: { unread: 'true' } });
    expect(items.map(({ id }) => id)).toEqual([town.ours.notice_id]);
    await subscriber(readNoticeRoute, { params: { notice_id: town.ours.notice_id } });
    expect((await subscriber(listNoticesRoute, { query: { unread: 'true' } })).items).toEqual([]);
    expect((await subscriber(listNoticesRoute)).items[0]?.read_at).not.toBeNull();
    expect((await reseller(listNoticesRoute)).items).toEqual([]);
    await expect(
      reseller(readNoticeRoute, { params: { notice_id: town.ours.notice_id } }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
