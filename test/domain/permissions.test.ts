import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCESS_LEVELS,
  type Access,
  capabilities,
  effectivePermissions,
  judgeWrite,
  levelOf,
  mask,
  maskFor,
  PANEL_FIELD_FACTS,
  PANEL_FIELDS,
  type PanelField,
  type PanelFieldFacts,
  type PanelResource,
  type PermissionSet,
  permissionProblems,
} from '../../src/domain/permissions.ts';

const RESOURCES: readonly PanelResource[] = ['subscriber', 'line', 'number', 'call'];
const facts = (name: PanelField): PanelFieldFacts => PANEL_FIELD_FACTS[name];
const fieldsOf = (resource: PanelResource) => PANEL_FIELDS.filter((name) => name.startsWith(`${resource}.`));
const keysOf = (resource: PanelResource) => fieldsOf(resource).flatMap((name) => facts(name).keys);
const fieldOf = (resource: PanelResource, key: string) =>
  fieldsOf(resource).find((name) => facts(name).keys.includes(key));

const CALLS = 'line.max_concurrent_calls';
const HIDDEN: Access = { level: 'HIDDEN' };
const READ: Access = { level: 'READ' };
const WRITE: Access = { level: 'WRITE' };
const within = (limits: Access['within']): Access => ({ level: 'WRITE', within: limits });
const calls = (access: Access): PermissionSet => ({ [CALLS]: access });
const n = <T>(max_concurrent_calls: T) => ({ max_concurrent_calls });

/** A row with a value under every key of its resource, and some that no field covers. */
const rowOf = (resource: PanelResource): Record<string, unknown> => ({
  id: 'an id',
  version: 1,
  ...Object.fromEntries(keysOf(resource).map((key) => [key, 7])),
});

const anyAccess = (name: PanelField): fc.Arbitrary<Access> => {
  const { levels, numeric, summed } = facts(name);
  const plain = fc.constantFrom(...levels).map((level): Access => ({ level }));
  if (!numeric) return plain;
  const limited = fc
    .tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.subarray(['min', 'max', 'total_max']))
    .map(([min, more, rest, chosen]) => {
      const all = { min, max: min + more, ...(summed && { total_max: min + rest }) };
      return within(Object.fromEntries(Object.entries(all).filter(([name]) => chosen.includes(name))));
    });
  return fc.oneof(plain, limited);
};
const anySet = fc.record(Object.fromEntries(PANEL_FIELDS.map((name) => [name, anyAccess(name)])), {
  requiredKeys: [],
}) as fc.Arbitrary<PermissionSet>;
const anyPermissions = anySet.map((set) => effectivePermissions(set));
const anyResource = fc.constantFrom(...RESOURCES);
const anyValue = fc.oneof(fc.integer({ min: -2, max: 30 }), fc.bigInt(), fc.string(), fc.constant(null));

describe('facts', () => {
  test.each(PANEL_FIELDS)('of %s go together', (name) => {
    const { levels, usual, numeric, summed } = facts(name);
    expect(levels).toContain(usual);
    expect([...levels].sort((a, b) => ACCESS_LEVELS.indexOf(a) - ACCESS_LEVELS.indexOf(b))).toEqual(levels);
    if (numeric) expect(levels).toContain('WRITE');
    if (summed) expect(numeric && name.startsWith('line.')).toBe(true);
  });

  test.each(RESOURCES)('every row key of %s belongs to one field', (resource) => {
    const keys = keysOf(resource);
    expect(keys.length).toBeGreaterThan(0);
    expect(keys).toEqual([...new Set(keys)]);
  });

  test('nothing but the name of a line and that notices were read is written unless somebody decides so', () => {
    const usual = effectivePermissions();
    expect(PANEL_FIELDS.filter((name) => usual[name].level === 'WRITE')).toEqual([
      'line.name',
      'section.notices',
    ]);
    expect(PANEL_FIELDS.filter((name) => usual[name].level === 'HIDDEN')).toEqual([
      'line.sip_password',
      'section.users',
      'section.api_keys',
    ]);
  });
});

describe('layers', () => {
  test.each<[string, (PermissionSet | null)[], Access]>([
    ['nobody decided', [], READ],
    ['no profile, an empty set', [null, {}], READ],
    ['the profile alone', [{ [CALLS]: HIDDEN }, {}], HIDDEN],
    ['the subscriber over the profile', [{ [CALLS]: HIDDEN }, { [CALLS]: WRITE }], WRITE],
    ['limits go with their level', [{ [CALLS]: within({ max: 5 }) }, { [CALLS]: WRITE }], WRITE],
    ['left undefined', [{ [CALLS]: HIDDEN }, { [CALLS]: undefined }], HIDDEN],
    ['limits that make no sense grant nothing', [{ [CALLS]: within({ min: 5, max: 1 }) }], HIDDEN],
  ])('%s', (_, layers, access) => {
    expect(effectivePermissions(...layers)[CALLS]).toEqual(access);
  });

  test('a level that the field cannot have becomes its least', () => {
    const saved: PermissionSet = { 'line.sip_password': READ, 'line.name': HIDDEN, 'call.cost': WRITE };
    const {
      'line.sip_password': password,
      'line.name': named,
      'call.cost': cost,
    } = effectivePermissions(saved);
    expect([password.level, named.level, cost.level]).toEqual(['HIDDEN', 'READ', 'HIDDEN']);
  });

  test('the later wins field by field', () => {
    fc.assert(
      fc.property(anySet, anySet, (profile, own) => {
        const both = effectivePermissions(profile, own);
        for (const name of PANEL_FIELDS)
          expect(both[name]).toEqual(own[name] ?? profile[name] ?? { level: facts(name).usual });
        expect(Object.keys(both)).toEqual(PANEL_FIELDS);
      }),
    );
  });
});

describe('problems', () => {
  test.each<[string, unknown, string[]]>([
    ['subscriber.nothing', READ, ['UNKNOWN_FIELD']],
    ['toString', READ, ['UNKNOWN_FIELD']],
    ['line.sip_password', READ, ['LEVEL_NOT_POSSIBLE']],
    ['subscriber.balance', WRITE, ['LEVEL_NOT_POSSIBLE']],
    ['line.name', HIDDEN, ['LEVEL_NOT_POSSIBLE']],
    ['line.name', { level: 'write' }, ['LEVEL_NOT_POSSIBLE']],
    ['line.name', within({ max: 5 }), ['LIMITS_NOT_POSSIBLE']],
    [CALLS, { level: 'READ', within: { max: 5 } }, ['LIMITS_NEED_WRITE']],
    [CALLS, within({ min: 5, max: 4 }), ['MIN_ABOVE_MAX']],
    [CALLS, within({ min: 5, total_max: 4 }), ['TOTAL_BELOW_MIN']],
    [CALLS, within({ min: -1 }), ['NEGATIVE']],
    [CALLS, within({ max: 1.5 }), ['NOT_A_WHOLE_NUMBER']],
    [CALLS, within({ max: Number.NaN }), ['NOT_A_WHOLE_NUMBER']],
    [CALLS, within({ max: 2 ** 53 }), ['NOT_A_WHOLE_NUMBER']],
    [CALLS, within({ total_max: Number.POSITIVE_INFINITY }), ['NOT_A_WHOLE_NUMBER']],
    ['line.max_call_seconds', within({ total_max: 4 }), ['TOTAL_NOT_POSSIBLE']],
    [CALLS, within({ min: 5, max: 4, total_max: 3 }), ['MIN_ABOVE_MAX', 'TOTAL_BELOW_MIN']],
    [CALLS, within({ min: 1, max: 5, total_max: 10 }), []],
    [CALLS, within({ min: 5, max: 5, total_max: 5 }), []],
    [CALLS, within({}), []],
    [CALLS, undefined, []],
    ['subscriber.daily_spend_cap', within({ max: 100_000_000_000_000 }), []],
    ['section.live_calls', WRITE, []],
  ])('%s as %j: %j', (field, access, problems) => {
    const set = { [field]: access } as PermissionSet;
    expect(permissionProblems(set)).toEqual(problems.map((problem) => ({ field, problem })));
  });

  test('a possible set has none, and holds as it was saved', () => {
    fc.assert(
      fc.property(anySet, (set) => {
        expect(permissionProblems(set)).toEqual([]);
        expect(effectivePermissions(set)).toMatchObject(set);
      }),
    );
  });
});

describe('levels', () => {
  test.each<[PanelField, PermissionSet | null, string]>([
    ['section.users', {}, 'HIDDEN'],
    ['section.users', { 'section.users': WRITE }, 'WRITE'],
    ['section.calls', {}, 'READ'],
    ['section.users', null, 'WRITE'],
  ])('%s with %j: %s', (name, set, level) => {
    expect(levelOf(set && effectivePermissions(set), name)).toBe(level);
  });
});

describe('masks', () => {
  test.each<[PanelResource, PermissionSet, object, object]>([
    ['subscriber', { 'subscriber.balance': HIDDEN }, { id: 1, balance_micros: '5' }, { id: 1 }],
    ['subscriber', {}, { id: 1, balance_micros: '5' }, { id: 1, balance_micros: '5' }],
    ['subscriber', { 'subscriber.credit_limit': HIDDEN }, { credit_limit_micros: '0' }, {}],
    ['subscriber', { 'subscriber.address': HIDDEN }, { street: 'A', ibge_code: null, id: 1 }, { id: 1 }],
    ['subscriber', {}, { allow_loss_calls: true, permissions: {}, status: 'ACTIVE' }, { status: 'ACTIVE' }],
    [
      'subscriber',
      {},
      { intl_dialing: 'CSP', blocked_reason: null },
      { intl_dialing: 'CSP', blocked_reason: null },
    ],
    ['line', { 'line.sales_plan': HIDDEN }, { sales_plan_id: 'p', name: 'A' }, { name: 'A' }],
    ['line', { 'line.caller_id': HIDDEN }, { caller_id_did_id: null }, {}],
    ['line', {}, { sip_password: 's' }, {}],
    ['line', { 'line.sip_password': WRITE }, { sip_password: 's' }, { sip_password: 's' }],
    ['number', { 'number.target': HIDDEN }, { number: '+551', target_line_id: 'l' }, { number: '+551' }],
    ['call', { 'call.number': HIDDEN }, { number: 'n', dialled: 'd', id: 1 }, { id: 1 }],
    ['call', { 'call.cost': HIDDEN }, { number: 'n', total_micros: '1' }, { number: 'n' }],
    // a field of one resource says nothing of another
    ['subscriber', calls(HIDDEN), n(1), n(1)],
  ])('%s with %j: %j becomes %j', (resource, set, row, seen) => {
    expect(mask(resource, row, effectivePermissions(set))).toEqual(seen);
  });

  test('master and reseller see everything', () => {
    const row = { balance_micros: 5n, allow_loss_calls: true };
    expect(mask('subscriber', row, null)).toEqual(row);
    expect(mask('subscriber', row, null)).not.toBe(row);
  });

  test('types tell what may be missing', () => {
    const seen = mask('line', { id: 'l', name: 'A', area_code: '11' }, effectivePermissions());
    const id: string = seen.id;
    // @ts-expect-error the area code may be hidden
    const area: string = seen.area_code;
    expect([id, area]).toEqual(['l', '11']);
  });

  test('leave no hidden key and take no other', () => {
    fc.assert(
      fc.property(anyResource, anyPermissions, (resource, permissions) => {
        const row = rowOf(resource);
        const seen = maskFor(resource, permissions)(row);
        for (const [key, value] of Object.entries(row)) {
          const name = fieldOf(resource, key);
          const hidden = name !== undefined && permissions[name].level === 'HIDDEN';
          expect(Object.hasOwn(seen, key), key).toBe(!hidden);
          if (!hidden) expect((seen as typeof row)[key]).toBe(value);
        }
      }),
    );
  });
});

describe('judging a change', () => {
  const cap = (access: Access): PermissionSet => ({ 'subscriber.daily_spend_cap': access });
  const spend = (daily_spend_cap_micros: unknown) => ({ daily_spend_cap_micros });
  const contact = (name: string) => ({ name, email: null });
  const line = { id: 'l', name: 'A', ...n(2), area_code: '11', allowed_classes: ['INTERNAL'] };
  const tenAtMost = within({ min: 1, max: 5, total_max: 10 });

  test.each<[string, PermissionSet, object, number, unknown]>([
    ['a name', {}, { name: 'B' }, 0, null],
    ['a field to read', {}, { area_code: '21' }, 0, 'READ_ONLY'],
    ['a hidden field', { 'line.area_code': HIDDEN }, { area_code: '21' }, 0, 'HIDDEN'],
    ['a field to write', { 'line.area_code': WRITE }, { area_code: '21' }, 0, null],
    ['what no field covers', {}, { id: 'm' }, 0, 'READ_ONLY'],
    ['what no row has', {}, { nonsense: 1 }, 0, 'READ_ONLY'],
    ['a name of Object', {}, { constructor: 1 }, 0, 'READ_ONLY'],
    ['left undefined', {}, { area_code: undefined }, 0, null],
    ['a new password', { 'line.sip_password': WRITE }, { sip_password: true }, 0, null],
    ['a new password, not allowed', {}, { sip_password: true }, 0, 'HIDDEN'],
    ['the same list', {}, { allowed_classes: ['INTERNAL'] }, 0, null],
    ['another list', {}, { allowed_classes: ['INTERNAL', 'PREMIUM'] }, 0, 'READ_ONLY'],
    ['without limits', calls(WRITE), n(999), 0, null],
    ['at the least', calls(tenAtMost), n(1), 0, null],
    ['below the least', calls(tenAtMost), n(0), 0, { below: 1 }],
    ['at the most', calls(tenAtMost), n(5), 5, null],
    ['above the most', calls(tenAtMost), n(6), 0, { above: 5 }],
    ['at the total', calls(tenAtMost), n(3), 7, null],
    ['above the total', calls(tenAtMost), n(4), 7, { total_above: 10, left: 3 }],
    ['when the total is used up', calls(tenAtMost), n(1), 12, { total_above: 10, left: 0 }],
    ['nothing, when the total is used up', calls(within({ total_max: 10 })), n(0), 12, null],
    ['unchanged out of limits', calls(within({ min: 3, max: 3 })), n(2), 0, null],
    ['what is no number', calls(tenAtMost), n('many'), 0, { below: 1 }],
    ['an empty text', calls(within({ max: 5 })), n(''), 0, { above: 5 }],
    ['no limit where one is set', calls(within({ max: 5 })), n(null), 0, { above: 5 }],
    ['no limit where only a least is set', calls(within({ min: 1 })), n(null), 0, null],
  ])('%s', (_, set, change, others, verdict) => {
    const context = { current: line, totals: { max_concurrent_calls: others } };
    const judged = judgeWrite('line', change, context, effectivePermissions(set));
    expect(judged).toEqual(verdict === null ? [] : [{ field: Object.keys(change)[0], verdict }]);
  });

  test.each<[PermissionSet, object, object, unknown[]]>([
    [cap(READ), spend(500n), spend('500'), []],
    [cap(READ), spend(500n), spend('501'), ['READ_ONLY']],
    [cap(READ), spend(null), spend(null), []],
    [cap(within({ max: 9 })), spend(5n), spend('9'), []],
    [cap(within({ max: 9 })), spend(5n), spend('10'), [{ above: 9 }]],
    [cap(within({ max: 9 })), spend(5n), spend(10n), [{ above: 9 }]],
    [cap(within({ max: 2 ** 53 - 1 })), {}, spend('9007199254740992'), [{ above: 2 ** 53 - 1 }]],
    [{}, { contacts: [contact('A')] }, { contacts: [{ email: null, name: 'A' }] }, []],
    [{}, { contacts: [contact('A')] }, { contacts: [contact('B')] }, ['READ_ONLY']],
    [{}, { status: 'BLOCKED' }, { status: 'ACTIVE' }, ['READ_ONLY']],
    [{}, { intl_dialing: 'CSP' }, { intl_dialing: 'AUTO' }, ['READ_ONLY']],
    [{}, { auto_ninth_digit: true }, { auto_ninth_digit: false }, ['READ_ONLY']],
    [{}, { allow_loss_calls: false }, { allow_loss_calls: true }, ['HIDDEN']],
    [{}, {}, { permissions: { 'line.status': WRITE } }, ['HIDDEN']],
    [{}, { balance_micros: 1n }, { balance_micros: '2' }, ['READ_ONLY']],
    [{}, {}, { street: 'Rua A', city: 'Itu', name: 'A' }, ['READ_ONLY', 'READ_ONLY', 'READ_ONLY']],
  ])('of a subscriber, case %#', (set, current, change, verdicts) => {
    const judged = judgeWrite('subscriber', change, { current }, effectivePermissions(set));
    expect(judged.map(({ verdict }) => verdict)).toEqual(verdicts);
  });

  test('without the sum of the others, a limited total is a fault and not an answer', () => {
    const permissions = effectivePermissions(calls(tenAtMost));
    const judge = () => judgeWrite('line', n(3), { current: line }, permissions);
    expect(judge).toThrow('max_concurrent_calls');
  });

  test('master and reseller may change everything', () => {
    expect(judgeWrite('line', { status: 'BLOCKED', id: 1 }, { current: line }, null)).toEqual([]);
  });

  test('an unchanged row is never refused', () => {
    fc.assert(
      fc.property(anyResource, anyPermissions, anyValue, (resource, permissions, value) => {
        const row = Object.fromEntries(keysOf(resource).map((key) => [key, value]));
        expect(judgeWrite(resource, { ...row }, { current: { ...row, id: 1 } }, permissions)).toEqual([]);
      }),
    );
  });
});

describe('capabilities', () => {
  const both = ['name', 'max_concurrent_calls'];
  const seconds: PermissionSet = { 'line.max_call_seconds': within({}) };
  test.each<[PanelResource, PermissionSet, Record<string, number>, string[], object]>([
    ['line', {}, {}, ['name'], {}],
    ['line', calls(WRITE), n(7), both, {}],
    ['line', calls(within({ min: 1, max: 5, total_max: 10 })), n(7), both, n({ min: 1, max: 5, left: 3 })],
    ['line', calls(within({ total_max: 10 })), n(12), both, n({ left: 0 })],
    ['line', calls(within({ max: 5, total_max: 10 })), {}, both, n({ max: 5 })],
    ['line', seconds, {}, ['name', 'max_call_seconds'], {}],
    ['subscriber', {}, {}, [], {}],
    ['number', { 'number.target': WRITE }, {}, ['target_line_id', 'target_group_id'], {}],
    ['call', {}, {}, [], {}],
  ])('of %s with %j and totals %j: %j within %j', (resource, set, totals, write, limits) => {
    expect(capabilities(resource, effectivePermissions(set), totals)).toEqual({ write, limits });
  });

  test('master and reseller write all but what the platform computes', () => {
    const all = RESOURCES.map((resource) => capabilities(resource, null));
    expect(all.every(({ limits }) => Object.keys(limits).length === 0)).toBe(true);
    const [subscriber = [], line = [], number, call] = all.map(({ write }) => write);
    for (const key of ['name', 'credit_limit_micros', 'permissions', 'status'])
      expect(subscriber).toContain(key);
    expect(subscriber).not.toContain('balance_micros');
    expect(line).toContain('sip_password');
    expect(line).not.toContain('sip_username');
    const limits = ['max_concurrent_calls', 'max_concurrent_in', 'max_concurrent_out'];
    expect(number).toEqual(['target_line_id', 'target_group_id', ...limits, 'subscriber_id', 'status']);
    expect(call).toEqual([]);
  });

  const anyTotals = fc.record({ max_concurrent_calls: fc.nat(20) });

  test('agree with what is judged', () => {
    const asked = fc.tuple(anyResource, anyPermissions, anyTotals, anyValue);
    fc.assert(
      fc.property(asked, ([resource, permissions, totals, value]) => {
        const { write, limits } = capabilities(resource, permissions, totals);
        expect(Object.keys(limits).filter((key) => !write.includes(key))).toEqual([]);
        for (const key of [...keysOf(resource), 'id', 'status', 'permissions']) {
          const context = { current: { [key]: ['another'] }, totals };
          const [judged] = judgeWrite(resource, { [key]: value }, context, permissions);
          const never = judged?.verdict === 'HIDDEN' || judged?.verdict === 'READ_ONLY';
          expect(never, key).toBe(!write.includes(key));
          const { min = -9, max = 99, left = 99 } = limits[key] ?? {};
          if (never || (limits[key] && typeof value !== 'number')) continue;
          const fits = !limits[key] || (Number(value) >= min && Number(value) <= Math.min(max, left));
          expect(judged === undefined, key).toBe(fits);
        }
      }),
    );
  });

  test('name no key that the mask takes away', () => {
    fc.assert(
      fc.property(anyResource, anyPermissions, (resource, permissions) => {
        const seen = maskFor(resource, permissions)(rowOf(resource));
        for (const key of capabilities(resource, permissions).write) expect(Object.keys(seen)).toContain(key);
      }),
    );
  });
});
