import { beforeAll, describe, expect, test } from 'vitest';
import { expectStatus, fieldsOf } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Answer, type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;
let serial = 0;

beforeAll(async () => {
  town = await addTown(api());
});

type Who = keyof Town['keys'];
const GROUPS = '/api/v1/ring-groups';
const ask = (who: Who, method: string, at: string, asking?: Asking) =>
  api().ask(town.keys[who], method, at, asking);
const refused = (answer: Answer) => [answer.status, answer.body.code, ...fieldsOf(answer)];
const extension = () => String(4_000 + ++serial);

const post = (more: object = {}, who: Who = 'reseller') => {
  const { subscriber_id, line_id } = town.ours;
  const body = { subscriber_id, extension: extension(), name: 'Vendas', member_line_ids: [line_id], ...more };
  return ask(who, 'POST', GROUPS, { body });
};
const made = async (more: object = {}) => expectStatus(await post(more), 201).body;
const line = async (more: object = {}) => {
  const { subscriber_id } = town.ours;
  const body = { subscriber_id, extension: extension(), name: 'Ramal', area_code: '11', ...more };
  return ask('reseller', 'POST', '/api/v1/lines', { body });
};
const edit = async (method: string, at: string, body?: object, who: Who = 'reseller') => {
  const { version } = expectStatus(await ask('reseller', 'GET', at), 200).body;
  return ask(who, method, at, { ...(body ? { body } : {}), headers: { 'if-match': `"${version}"` } });
};

describe('a ring group', () => {
  test('has lines of its subscriber in their order, each once', async () => {
    const [first, second] = [(await line()).body.id, (await line()).body.id];
    const group = await made({ member_line_ids: [second, first], overflow_line_id: first });
    expect(group).toMatchObject({ strategy: 'ALL', ring_seconds: 20, member_line_ids: [second, first] });
    const { neighbour } = town;
    for (const bad of [
      { member_line_ids: [first, neighbour.line_id] },
      { overflow_line_id: neighbour.line_id },
    ])
      expect(refused(await post(bad))).toEqual([404, 'NOT_FOUND', ...Object.keys(bad)]);
    expect(refused(await post({ member_line_ids: [first, first] }))).toEqual([
      400,
      'INVALID_REQUEST',
      'member_line_ids',
    ]);
    const changed = await edit('PATCH', `${GROUPS}/${group.id}`, { strategy: 'ORDER', member_line_ids: [] });
    expect(expectStatus(changed, 200).body).toMatchObject({ strategy: 'ORDER', member_line_ids: [] });
  });

  test('loses a line that is deleted', async () => {
    const { id: gone } = (await line()).body;
    const group = await made({ member_line_ids: [gone, town.ours.line_id], overflow_line_id: gone });
    expectStatus(await edit('DELETE', `/api/v1/lines/${gone}`), 204);
    const { body } = await ask('reseller', 'GET', `${GROUPS}/${group.id}`);
    expect(body).toMatchObject({ member_line_ids: [town.ours.line_id], overflow_line_id: null });
  });

  test('has an extension that no line and no other group has', async () => {
    const group = await made();
    const taken = [409, 'CONFLICT', 'extension'];
    expect(refused(await post({ extension: group.extension }))).toEqual(taken);
    expect(refused(await post({ extension: '201' }))).toEqual(taken);
    expect(refused(await line({ extension: group.extension }))).toEqual(taken);
    const other = await made();
    expect(refused(await edit('PATCH', `${GROUPS}/${other.id}`, { extension: '201' }))).toEqual(taken);
    expect(refused(await post({ extension: '190' }))).toEqual([400, 'INVALID_REQUEST', 'extension']);
    const at = extension();
    const rivals = [post({ extension: at }), line({ extension: at }), post({ extension: at })];
    const statuses = (await Promise.all(rivals)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 409, 409]);
  });

  test('is rung by a number instead of a line', async () => {
    const group = await made();
    const { did_id, line_id } = town.ours;
    const at = `/api/v1/numbers/${did_id}`;
    const rings = async (target: object) => (await edit('PATCH', at, target)).body;
    expect(await rings({ target_group_id: group.id })).toMatchObject({ target_line_id: null });
    expect(refused(await edit('DELETE', `${GROUPS}/${group.id}`))).toEqual([409, 'CONFLICT']);
    expect(await rings({ target_line_id: line_id })).toMatchObject({ target_group_id: null });
    const both = { target_line_id: line_id, target_group_id: group.id };
    expect(refused(await edit('PATCH', at, both))).toEqual([400, 'INVALID_REQUEST', 'target_group_id']);
    const foreign = { target_group_id: town.neighbour.ring_group_id };
    expect(refused(await edit('PATCH', at, foreign))).toEqual([404, 'NOT_FOUND', 'target_group_id']);
    expectStatus(await edit('DELETE', `${GROUPS}/${group.id}`), 204);
  });
});

describe('where a line sends its calls on to', () => {
  test.each([
    ['190', 'an emergency number'],
    ['203', 'no extension of the subscriber'],
    ['2012345678', 'no area code'],
    ['1', 'too short'],
    ['201)\n same => n,System(id', 'a line of the dialplan'],
    ['201&PJSIP/x', 'one more phone'],
    ['$' + '{SHELL(id)}', 'a command'],
    ['*97', 'a feature'],
  ])('%j is refused: %s', async (destination) => {
    for (const field of ['forward_always', 'forward_busy', 'forward_no_answer', 'forward_offline'])
      expect(refused(await line({ [field]: destination }))).toEqual([400, 'INVALID_REQUEST', field]);
  });

  test('is an extension, a group or a number, never the line itself', async () => {
    const group = await made();
    const forwards = {
      forward_always: null,
      forward_busy: '201',
      forward_no_answer: group.extension,
      forward_no_answer_seconds: 30,
      forward_offline: '+5511987654321',
    };
    const { body } = await line(forwards);
    expect(body).toMatchObject(forwards);
    const itself = await edit('PATCH', `/api/v1/lines/${body.id}`, { forward_always: body.extension });
    expect(refused(itself)).toEqual([400, 'INVALID_REQUEST', 'forward_always']);
  });
});
