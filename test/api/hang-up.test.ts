import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CallClass } from '../../src/domain/call-class.ts';
import type { AccessLevel } from '../../src/domain/permissions.ts';
import { callOf, NO_BILL } from './live-rows.ts';
import { addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let serial = 0;

beforeAll(async () => {
  town = await addTown(api());
});
beforeEach(() => {
  api().switchboard.reachable = true;
  api().switchboard.ended.length = 0;
});

function running(whose: 'ours' | 'neighbour' | 'stranger', call_class: CallClass = 'INTERNAL'): string {
  const call = callOf(town[whose], `live-${++serial}`, { call_class });
  api().live.set(call.facts.call_id, call);
  api().board.upsert(call);
  return call.facts.call_id;
}

const hangUp = (who: keyof Town['keys'], call_id: string) =>
  api().ask(town.keys[who], 'DELETE', `/api/v1/live-calls/${call_id}`);

async function audited(call_id: string) {
  const { rows } = await api().database.pool.query(
    'select action, reseller_id, subscriber_id, actor from audit_log where object_id = $1',
    [call_id],
  );
  return rows;
}

async function letLook(level: AccessLevel): Promise<void> {
  await api().database.pool.query('update subscribers set permissions = $1 where id = $2', [
    JSON.stringify({ 'section.live_calls': { level } }),
    town.ours.subscriber_id,
  ]);
}

describe('hanging up', () => {
  test.each(['master', 'reseller', 'subscriber'] as const)(
    'a %s ends a call, and it is known',
    async (who) => {
      const call_id = running('ours');
      expect((await hangUp(who, call_id)).status).toBe(204);
      expect(api().switchboard.ended).toEqual([{ call_id, q850: 16 }]);
      const { reseller_id, subscriber_id } = town.ours;
      const actor = { role: who.toUpperCase() };
      expect(await audited(call_id)).toMatchObject([
        { action: 'HANG_UP', reseller_id, subscriber_id, actor },
      ]);
    },
  );

  test.each([
    ['subscriber', 'neighbour'],
    ['subscriber', 'stranger'],
    ['reseller', 'stranger'],
  ] as const)('a %s finds no call of a %s', async (who, whose) => {
    const call_id = running(whose);
    expect((await hangUp(who, call_id)).status).toBe(404);
    expect(api().switchboard.ended).toEqual([]);
    expect(await audited(call_id)).toEqual([]);
  });

  test.each([
    ['READ', 403],
    ['HIDDEN', 404],
    ['WRITE', 204],
  ] as const)('whose access is %s is answered %i', async (level, status) => {
    await letLook(level);
    const call_id = running('ours');
    expect((await hangUp('subscriber', call_id)).status).toBe(status);
    expect(api().switchboard.ended).toHaveLength(status === 204 ? 1 : 0);
    await letLook('WRITE');
  });

  test('an emergency call goes on, whoever wants it to end', async () => {
    const call_id = running('ours', 'EMERGENCY');
    expect(await hangUp('master', call_id)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect(api().switchboard.ended).toEqual([]);
    expect(await audited(call_id)).toEqual([]);
  });

  test('a switch that cannot be told is said to be so, and nothing is written down', async () => {
    const call_id = running('ours');
    api().switchboard.reachable = false;
    expect(await hangUp('reseller', call_id)).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(await audited(call_id)).toEqual([]);
  });

  test('a call that ended meanwhile is not there', async () => {
    const call_id = running('ours');
    const call = api().live.get(call_id);
    if (call) api().board.remove(call, 'HANGUP', NO_BILL);
    expect((await hangUp('reseller', call_id)).status).toBe(404);
    const late = running('ours');
    api().live.delete(late);
    expect((await hangUp('reseller', late)).status).toBe(404);
    expect(await audited(late)).toEqual([]);
  });
});
