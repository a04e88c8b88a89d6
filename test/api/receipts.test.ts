import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { BY_TENTHS, billedRecord, type EndedCall } from '../stores/postgres/use-tenants.ts';
import { expectStatus, fieldsOf } from './people.ts';
import { addCall, addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;
beforeAll(async () => {
  town = await addTown(api());
  await addCall(api(), town.server_id, town.ours);
});

type Who = keyof Town['keys'];
const receipt = (id: string, who: Who, language = 'pt-BR') =>
  api().ask(town.keys[who], 'GET', `/api/v1/calls/${id}/receipt`, {
    headers: { 'accept-language': language },
  });
const simulate = (body: object, who: Who = 'reseller') =>
  api().ask(town.keys[who], 'POST', '/api/v1/simulations', { body });

function owner() {
  const { reseller_id, subscriber_id, line_id, sales_plan_id } = town.ours;
  return { server_id: town.server_id, reseller_id, subscriber_id, line_id, sales_plan_id, username: '' };
}

describe('the receipt of a call', () => {
  test('says step by step how the bill came about', async () => {
    const { body } = expectStatus(await receipt(town.ours.call_id, 'reseller'), 200);
    expect(body).toMatchObject({
      call_class: 'FIXED_LOCAL',
      area_code: '11',
      talk_seconds: 160,
      billed_seconds: 162,
      bundle_seconds: 100,
      paid_seconds: 62,
      total_micros: '103333',
      slices: [
        { source: 'BUNDLE', slot: 'FIXED_LOCAL', seconds: 100, total_micros: '0' },
        { source: 'MONEY', slot: null, seconds: 62, total_micros: '103333' },
      ],
      wholesale: { price_micros_per_minute: '50000', billed_seconds: 162, total_micros: '135000' },
      margin_micros: '-31667',
      agrees: true,
    });
    expect(body.steps).toEqual([
      'discado: 1133334444',
      'número: +551133334444',
      'tipo: fixo local, do DDD 11',
      expect.stringContaining('permitida'),
      expect.stringContaining('chamadas simultâneas: linha'),
      expect.stringMatching(/^plano .*, por tipo: R\$ 0,10\/min, 30\/6\/3$/),
      '160 s de conversa, 162 s tarifados',
      '100 s da franquia de fixo local, ciclo 2026-11-01',
      '62 s pagos em dinheiro: R$ 0,103333',
      'total: R$ 0,103333',
    ]);
    const english = await receipt(town.ours.call_id, 'reseller', 'en');
    expect(english.body.steps).toContain('160 s of talk, 162 s billed');
  });

  test.each<[Who, string[]]>([
    ['subscriber', []],
    ['reseller', ['loss', 'margin_micros', 'wholesale']],
    ['master', ['carrier', 'loss', 'margin_micros', 'platform_margin_micros', 'wholesale']],
  ])('%s sees of its costs: %j', async (who, seen) => {
    const { body } = expectStatus(await receipt(town.ours.call_id, who), 200);
    const costs = ['carrier', 'loss', 'margin_micros', 'platform_margin_micros', 'wholesale'];
    expect(
      Object.keys(body)
        .filter((key) => costs.includes(key))
        .sort(),
    ).toEqual(seen);
    const list = await api().ask(town.keys[who], 'GET', '/api/v1/calls');
    const keys = Object.keys(list.body.items[0]);
    expect(keys.includes('margin_micros')).toBe(who !== 'subscriber');
    expect(keys.includes('carrier_micros')).toBe(who === 'master');
  });

  test('the database itself keeps costs from subscribers', async () => {
    const { reseller_id, subscriber_id } = town.ours;
    const { pool } = api().database;
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(`set local role pabx_subscriber; set local pabx.reseller_id = '${reseller_id}'`);
      await client.query(`set local pabx.subscriber_id = '${subscriber_id}'`);
      expect((await client.query('select total_micros from calls')).rowCount).toBe(1);
      await expect(client.query('select wholesale_micros from calls')).rejects.toMatchObject({
        code: '42501',
      });
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  test('of a call across the turn of its cycle has the slices of both', async () => {
    const id = 'straddling';
    const grant = {
      bundle_seconds: 20,
      paid_seconds: 10,
      after_turn: { turn_seconds: 30, bundle_seconds: 60, paid_seconds: 0 },
    };
    const ended: EndedCall = { talk_ms: 71_000, grant, bundle_slot: 'FIXED_LOCAL', rate: BY_TENTHS };
    await settleCalls(api().database.db, [billedRecord(owner(), ended, { id })]);
    const { body } = expectStatus(await receipt(id, 'master'), 200);
    expect(body.slices).toEqual([
      { cycle_start: '2026-11-01', source: 'BUNDLE', slot: 'FIXED_LOCAL', seconds: 20, total_micros: '0' },
      { cycle_start: '2026-11-01', source: 'MONEY', slot: null, seconds: 10, total_micros: '16667' },
      { cycle_start: '2026-12-01', source: 'BUNDLE', slot: 'FIXED_LOCAL', seconds: 42, total_micros: '0' },
    ]);
    expect(body).toMatchObject({ billed_seconds: 72, total_micros: '16667', agrees: true });
  });

  test('disagrees with a record that somebody touched', async () => {
    const { db } = api().database;
    const id = 'touched';
    const ended: EndedCall = {
      talk_ms: 60_000,
      grant: { bundle_seconds: 0, paid_seconds: 60 },
      rate: BY_TENTHS,
    };
    await settleCalls(db, [billedRecord(owner(), ended, { id })]);
    expect((await receipt(id, 'master')).body.agrees).toBe(true);
    await db.updateTable('calls').set({ total_micros: 99_999n }).where('id', '=', id).execute();
    expect((await receipt(id, 'master')).body).toMatchObject({ total_micros: '100000', agrees: false });
  });

  test('of a record from before prices had versions is worked out of what it has', async () => {
    const { db } = api().database;
    const id = 'old';
    const ended: EndedCall = {
      talk_ms: 60_000,
      grant: { bundle_seconds: 24, paid_seconds: 60 },
      rate: BY_TENTHS,
    };
    await settleCalls(db, [billedRecord(owner(), ended, { id })]);
    await db
      .updateTable('calls')
      .set({ parts: '[]', sale: sql`null`, claims: '[]' })
      .where('id', '=', id)
      .execute();
    const { body } = expectStatus(await receipt(id, 'reseller'), 200);
    expect(body).toMatchObject({ bundle_seconds: 24, paid_seconds: 36, total_micros: '60000', agrees: true });
    expect(body.rate).toMatchObject({ version_id: null, cadence: '30/6/3' });
  });

  test('that nobody made is not found, and neither is one of others', async () => {
    await addCall(api(), town.server_id, town.stranger);
    expect((await receipt('nobody', 'master')).status).toBe(404);
    expect((await receipt(town.stranger.call_id, 'reseller')).status).toBe(404);
  });
});

describe('a simulation', () => {
  const line = () => ({ line_id: town.ours.line_id });

  test('asks the rules of live calls, and takes nothing', async () => {
    const { pool } = api().database;
    const before = await pool.query('select count(*) from ledger_movements');
    const { body } = expectStatus(await simulate({ ...line(), dialled: '33334444', talk_seconds: 95 }), 200);
    expect(body).toMatchObject({
      permitted: true,
      refusal: null,
      number: '+551133334444',
      call_class: 'FIXED_LOCAL',
      billed_seconds: 96,
      bundle_seconds: 96,
      paid_seconds: 0,
      total_micros: '0',
      covered: true,
    });
    expect((await pool.query('select count(*) from ledger_movements')).rows).toEqual(before.rows);
  });

  test('goes over to money where the minutes end, and says when that is not there', async () => {
    const asked = { ...line(), dialled: '1133334444', talk_seconds: 80_000 };
    const { body } = expectStatus(await simulate(asked), 200);
    expect(body.bundle_seconds + body.paid_seconds).toBe(body.billed_seconds);
    expect(body.bundle_seconds).toBeGreaterThan(0);
    expect(body.paid_seconds).toBeGreaterThan(70_000);
    expect(body.covered).toBe(false);
  });

  test.each([
    ['21987654321', 'NO_RATE', 'MOBILE_LDN'],
    ['12345', 'INVALID_NUMBER', 'UNKNOWN_SHORT_CODE'],
    ['9090987654321', 'CLASS_NOT_PERMITTED', 'COLLECT'],
    ['\u0007; drop table calls', 'INVALID_NUMBER', 'BAD_CHARACTER'],
  ])('of %j is refused: %s %s', async (dialled, reason, detail) => {
    const { body } = expectStatus(await simulate({ ...line(), dialled, talk_seconds: 60 }), 200);
    expect(body).toMatchObject({ permitted: false, refusal: { reason, detail }, covered: false });
    expect(body.total_micros).toBe('0');
  });

  test('hides from a subscriber what it may not see', async () => {
    const { body } = expectStatus(
      await simulate({ ...line(), dialled: '33334444', talk_seconds: 60 }, 'subscriber'),
      200,
    );
    expect(body).not.toHaveProperty('wholesale');
    expect(body).not.toHaveProperty('margin_micros');
  });

  test.each([
    ['talk_seconds', { talk_seconds: -1 }],
    ['talk_seconds', { talk_seconds: 1.5 }],
    ['dialled', { dialled: '' }],
    ['dialled', { dialled: '1'.repeat(65) }],
    ['line_id', { line_id: 'x' }],
  ])('names what is wrong: %s', async (field, wrong) => {
    const answer = await simulate({ ...line(), dialled: '33334444', talk_seconds: 60, ...wrong });
    expect(answer.status).toBe(400);
    expect(fieldsOf(answer)).toEqual([field]);
  });

  test('of a line of others is not found', async () => {
    const asked = { line_id: town.stranger.line_id, dialled: '33334444', talk_seconds: 60 };
    expect(expectStatus(await simulate(asked), 404).body.errors[0].field).toBe('line_id');
  });
});
