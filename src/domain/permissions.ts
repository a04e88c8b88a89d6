import { FORWARD_KEYS } from './forwarding.ts';

/** What rows can be masked. Live calls and refusals are rows of `call` too: they name the number alike. */
export type PanelResource = 'subscriber' | 'line' | 'number' | 'call';

/** From the least to the most. WRITE shows the value as well, where there is one to show. */
export const ACCESS_LEVELS = ['HIDDEN', 'READ', 'WRITE'] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

/** `min` and `max` hold for each value, `total_max` for the sum over all lines of the subscriber. */
export interface Limits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly total_max?: number | undefined;
}

/** `within` goes with WRITE on a numeric field only. Money is limited in micro-reais. */
export interface Access {
  readonly level: AccessLevel;
  readonly within?: Limits | undefined;
}

export interface PanelFieldFacts {
  /** The levels that make sense, the least first. */
  readonly levels: readonly AccessLevel[];
  /** The level where nobody decided anything. */
  readonly usual: AccessLevel;
  /** Row keys of the resource that the field covers. */
  readonly keys: readonly string[];
  /** Limits make sense. */
  readonly numeric: boolean;
  /** A limit of the sum over all lines makes sense. */
  readonly summed: boolean;
}

const ALL = ['HIDDEN', 'READ', 'WRITE'] as const;
const LOOK = ['HIDDEN', 'READ'] as const;
/** For what people know a record by. */
const NAMED = ['READ', 'WRITE'] as const;
/** For what is kept as a digest: it can be made anew, never shown. */
const SECRET = ['HIDDEN', 'WRITE'] as const;

function field<const L extends readonly AccessLevel[], const K extends readonly string[]>(
  levels: L,
  usual: NoInfer<L>[number],
  keys: K,
  limited: 'NUMERIC' | 'SUMMED' | null = null,
) {
  return { levels, usual, keys, numeric: limited !== null, summed: limited === 'SUMMED' };
}

const CALL_LIMITS = ['max_concurrent_calls', 'max_concurrent_in', 'max_concurrent_out'] as const;
const CALL_NUMBERS = ['number', 'dialled', 'caller_number'] as const;

/**
 * Facts per field (product.md 2, 'Permissões de acesso'). No field that can cost anybody money is WRITE by itself.
 * Never WRITE: what the reseller earns or risks by (modality, plan, credit, cycle, bundles, number of lines) and
 * what the platform computes or generates (balance, SIP user, calls).
 */
export const PANEL_FIELD_FACTS = {
  'subscriber.trade_name': field(NAMED, 'READ', ['name', 'legal_name']),
  'subscriber.document': field(ALL, 'READ', [
    'document',
    'state_registration',
    'municipal_registration',
    'rg',
  ]),
  'subscriber.contacts': field(ALL, 'READ', ['contacts']),
  'subscriber.address': field(ALL, 'READ', [
    ...(['postal_code', 'street', 'street_number', 'complement', 'district'] as const),
    ...(['city', 'state', 'ibge_code', 'area_code'] as const),
  ]),
  'subscriber.billing_mode': field(LOOK, 'READ', ['billing_mode']),
  'subscriber.sales_plan': field(LOOK, 'READ', ['sales_plan_id']),
  'subscriber.balance': field(LOOK, 'READ', ['balance_micros']),
  'subscriber.balance_alert': field(ALL, 'READ', ['balance_alert_micros']),
  'subscriber.credit_limit': field(LOOK, 'READ', ['credit_limit_micros']),
  'subscriber.due_day': field(ALL, 'READ', ['due_day'], 'NUMERIC'),
  'subscriber.block_after_days': field(LOOK, 'READ', ['block_after_days']),
  'subscriber.cycle_day': field(LOOK, 'READ', ['cycle_day']),
  'subscriber.daily_spend_cap': field(ALL, 'READ', ['daily_spend_cap_micros'], 'NUMERIC'),
  'subscriber.max_concurrent_calls': field(ALL, 'READ', CALL_LIMITS, 'NUMERIC'),
  // Not among the limits above: what one says of how many there may be is nothing for how many are kept free.
  'subscriber.reserved_in': field(ALL, 'READ', ['reserved_in'], 'NUMERIC'),
  'subscriber.max_calls_per_second': field(LOOK, 'READ', ['max_calls_per_second']),
  'subscriber.tones': field(ALL, 'READ', ['warn_seconds', 'switch_tone']),
  'subscriber.max_lines': field(LOOK, 'READ', ['max_lines']),
  'subscriber.bundles': field(LOOK, 'READ', ['bundles', 'ldn_fixed_uses_local', 'ldn_mobile_uses_local']),
  // A label that only people read.
  'line.name': field(NAMED, 'WRITE', ['name']),
  'line.extension': field(NAMED, 'READ', ['extension']),
  // Decides local or long distance, so it decides prices.
  'line.area_code': field(ALL, 'READ', ['area_code']),
  'line.sip_username': field(LOOK, 'READ', ['sip_username']),
  // Whoever has it calls at the subscriber's cost from anywhere. Writing it makes a new one.
  'line.sip_password': field(SECRET, 'HIDDEN', ['sip_password']),
  'line.sales_plan': field(LOOK, 'READ', ['sales_plan_id']),
  'line.max_concurrent_calls': field(ALL, 'READ', ['max_concurrent_calls'], 'SUMMED'),
  'line.max_calls_per_second': field(ALL, 'READ', ['max_calls_per_second'], 'NUMERIC'),
  'line.max_ring_seconds': field(ALL, 'READ', ['max_ring_seconds'], 'NUMERIC'),
  'line.max_call_seconds': field(ALL, 'READ', ['max_call_seconds'], 'NUMERIC'),
  'line.allowed_classes': field(ALL, 'READ', ['allowed_classes']),
  'line.caller_id': field(ALL, 'READ', ['caller_id_did_id']),
  // Each call that is sent on costs what a dialled one does.
  'line.forwarding': field(ALL, 'READ', FORWARD_KEYS),
  // Who may write it may also undo what the reseller blocked.
  'line.status': field(ALL, 'READ', ['status']),
  'number.target': field(ALL, 'READ', ['target_line_id', 'target_group_id']),
  'number.max_concurrent_calls': field(ALL, 'READ', CALL_LIMITS, 'NUMERIC'),
  'call.number': field(LOOK, 'READ', CALL_NUMBERS),
  'call.cost': field(LOOK, 'READ', ['total_micros', 'price_micros_per_minute']),
  // WRITE hangs up.
  'section.live_calls': field(ALL, 'READ', []),
  'section.calls': field(LOOK, 'READ', []),
  'section.refusals': field(LOOK, 'READ', []),
  // WRITE lifts what the fraud brake blocked, and marks notices as read.
  'section.blocks': field(ALL, 'READ', []),
  'section.notices': field(ALL, 'WRITE', []),
  'section.consumption': field(LOOK, 'READ', []),
  // WRITE decides whose phones ring.
  'section.ring_groups': field(ALL, 'READ', []),
  // More users and keys are more hands on the subscriber's money.
  'section.users': field(ALL, 'HIDDEN', []),
  'section.api_keys': field(ALL, 'HIDDEN', []),
  'section.audit': field(LOOK, 'READ', []),
  'section.top_ups': field(LOOK, 'READ', []),
  // Movements and statements.
  'section.statements': field(LOOK, 'READ', []),
} as const satisfies Readonly<Record<`${PanelResource | 'section'}.${string}`, PanelFieldFacts>>;

type Facts = typeof PANEL_FIELD_FACTS;
export type PanelField = keyof Facts;
export type PanelSection = Extract<PanelField, `section.${string}`>;

/** The closed list of what a reseller decides about a subscriber's panel: one that has no facts is none. */
export const PANEL_FIELDS = Object.keys(PANEL_FIELD_FACTS) as [PanelField, ...PanelField[]];

/** What a profile or a subscriber decides itself; fields left out stay as they are beneath it. */
export type PermissionSet = { readonly [F in PanelField]?: Access | undefined };

/** What holds for one subscriber's users: every field answered. */
export type Permissions = Readonly<Record<PanelField, Access>>;

/** Who looks: a subscriber's user by its permissions; null for master and reseller, who may everything. */
export type PanelViewer = Permissions | null;

/**
 * Row keys that are the reseller's own business: no subscriber writes them, and those that are `hidden` none sees.
 * Whether calls may run below cost speaks of margin (product.md 5: the subscriber never sees cost or margin).
 */
const STAFF_KEYS = {
  subscriber: {
    // How its phones dial is set up with them; a blocked one may know why.
    shown: [
      ...(['person_type', 'status', 'blocked_reason'] as const),
      ...(['intl_dialing', 'auto_ninth_digit', 'internal_calls_take_slots'] as const),
    ],
    hidden: ['allow_loss_calls', 'brake_mode', 'brake_percent', 'permission_profile_id', 'permissions'],
  },
  line: { shown: [], hidden: [] },
  number: { shown: ['subscriber_id', 'status'], hidden: [] },
  call: {
    shown: [],
    hidden: ['wholesale', 'wholesale_micros', 'margin_micros', 'loss', 'carrier', 'carrier_micros'],
  },
} as const satisfies Record<PanelResource, Readonly<Record<'shown' | 'hidden', readonly string[]>>>;

/** Row keys that nobody writes: the ledger, the generator and the switch do. */
const COMPUTED_KEYS: Readonly<Record<PanelResource, readonly string[]>> = {
  subscriber: ['balance_micros', 'blocked_reason'],
  line: ['sip_username'],
  number: [],
  call: [...CALL_NUMBERS, 'total_micros', 'price_micros_per_minute', ...STAFF_KEYS.call.hidden],
};

const FACTS: Readonly<Record<PanelField, PanelFieldFacts>> = PANEL_FIELD_FACTS;

function keyTable(resource: PanelResource): ReadonlyMap<string, PanelField> {
  const own = PANEL_FIELDS.filter((name) => name.startsWith(`${resource}.`));
  return new Map(own.flatMap((name) => FACTS[name].keys.map((key) => [key, name] as const)));
}

const FIELD_OF_KEY: Readonly<Record<PanelResource, ReadonlyMap<string, PanelField>>> = {
  subscriber: keyTable('subscriber'),
  line: keyTable('line'),
  number: keyTable('number'),
  call: keyTable('call'),
};

export const PERMISSION_PROBLEMS = [
  'UNKNOWN_FIELD',
  'LEVEL_NOT_POSSIBLE',
  'LIMITS_NEED_WRITE',
  'LIMITS_NOT_POSSIBLE',
  'TOTAL_NOT_POSSIBLE',
  'NOT_A_WHOLE_NUMBER',
  'NEGATIVE',
  'MIN_ABOVE_MAX',
  'TOTAL_BELOW_MIN',
] as const;
export type PermissionProblem = (typeof PERMISSION_PROBLEMS)[number];

function limitProblems(facts: PanelFieldFacts, { level, within }: Access): PermissionProblem[] {
  if (within === undefined) return [];
  const { min, max, total_max } = within;
  const bounds = [min, max, total_max].filter((bound) => bound !== undefined);
  const found: [PermissionProblem, boolean][] = [
    ['LIMITS_NEED_WRITE', level !== 'WRITE'],
    ['LIMITS_NOT_POSSIBLE', !facts.numeric],
    ['TOTAL_NOT_POSSIBLE', facts.numeric && !facts.summed && total_max !== undefined],
    ['NOT_A_WHOLE_NUMBER', !bounds.every(Number.isSafeInteger)],
    ['NEGATIVE', bounds.some((bound) => bound < 0)],
    ['MIN_ABOVE_MAX', min !== undefined && max !== undefined && min > max],
    ['TOTAL_BELOW_MIN', min !== undefined && total_max !== undefined && total_max < min],
  ];
  return found.filter(([, applies]) => applies).map(([problem]) => problem);
}

function accessProblems(name: string, access: Access): PermissionProblem[] {
  if (!Object.hasOwn(FACTS, name)) return ['UNKNOWN_FIELD'];
  const facts = FACTS[name as PanelField];
  const level: PermissionProblem[] = facts.levels.includes(access.level) ? [] : ['LEVEL_NOT_POSSIBLE'];
  return [...level, ...limitProblems(facts, access)];
}

/** Everything in a set that makes no sense, by field; empty when it may be saved. */
export function permissionProblems(set: PermissionSet): { field: string; problem: PermissionProblem }[] {
  return Object.entries(set).flatMap(([name, access]) =>
    access === undefined ? [] : accessProblems(name, access).map((problem) => ({ field: name, problem })),
  );
}

/** What was saved before its field's facts changed grants the least, never more than was meant. */
function granted(name: PanelField, access: Access): Access {
  return accessProblems(name, access).length === 0 ? access : { level: FACTS[name].levels[0] ?? 'HIDDEN' };
}

/** The usual access of every field, changed by each layer in turn: the profile, then the subscriber's own set. */
export function effectivePermissions(...layers: readonly (PermissionSet | null)[]): Permissions {
  const answer = (name: PanelField): Access => {
    const decided = layers.findLast((layer) => layer?.[name] !== undefined)?.[name];
    return decided === undefined ? { level: FACTS[name].usual } : granted(name, decided);
  };
  return Object.fromEntries(PANEL_FIELDS.map((name) => [name, answer(name)])) as Record<PanelField, Access>;
}

/** What a viewer may do with a field or section. */
export function levelOf(viewer: PanelViewer, name: PanelField): AccessLevel {
  return viewer === null ? 'WRITE' : viewer[name].level;
}

type Hideable<F extends PanelField> = F extends PanelField
  ? 'HIDDEN' extends Facts[F]['levels'][number]
    ? Facts[F]['keys'][number]
    : never
  : never;
type HideableKey<R extends PanelResource> =
  | Hideable<Extract<PanelField, `${R}.${string}`>>
  | (typeof STAFF_KEYS)[R]['hidden'][number];

/** A row after its mask: every key that some viewer may not see may be missing. */
export type Masked<R extends PanelResource, Row> = Omit<Row, HideableKey<R>> &
  Partial<Pick<Row, Extract<keyof Row, HideableKey<R>>>>;

/** Takes out of rows what the viewer may not see. A key without a panel field is always visible. */
export function maskFor<R extends PanelResource>(resource: R, viewer: PanelViewer) {
  const hidden = new Set<string>();
  if (viewer !== null) {
    for (const key of STAFF_KEYS[resource].hidden) hidden.add(key);
    for (const [key, name] of FIELD_OF_KEY[resource]) if (viewer[name].level === 'HIDDEN') hidden.add(key);
  }
  return <Row extends object>(row: Row): Masked<R, Row> =>
    (hidden.size === 0
      ? { ...row }
      : Object.fromEntries(Object.entries(row).filter(([key]) => !hidden.has(key)))) as Masked<R, Row>;
}

/** A copy of one row without what the viewer may not see. */
export function mask<R extends PanelResource, T extends object>(resource: R, row: T, viewer: PanelViewer) {
  return maskFor(resource, viewer)(row);
}

/** By row key, the sum over the subscriber's other lines: for the fields that are `summed`. */
export type Totals = Readonly<Record<string, number>>;

export type WriteVerdict =
  | 'HIDDEN'
  | 'READ_ONLY'
  | { readonly below: number }
  | { readonly above: number }
  | { readonly total_above: number; readonly left: number };

/** A line may always add nothing, even when the others already have more than they should. */
const leftOf = (total_max: number, others: number) => Math.max(0, total_max - others);

/** No limit at all (null) is more than any limit; what is no number is within none. */
function amountOf(value: unknown): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value))) return Number(value);
  return Number.NaN;
}

function judgeLimits(key: string, value: unknown, limits: Limits, totals: Totals): WriteVerdict | null {
  const { min, max, total_max } = limits;
  const amount = amountOf(value);
  // Negated, so that NaN is refused.
  if (min !== undefined && !(amount >= min)) return { below: min };
  if (max !== undefined && !(amount <= max)) return { above: max };
  if (total_max === undefined) return null;
  const others = totals[key];
  if (others === undefined) throw new Error(`a limited total needs the sum of the others: ${key}`);
  const left = leftOf(total_max, others);
  return amount <= left ? null : { total_above: total_max, left };
}

/** By content: keys in any order, and an amount is the same as bigint or as its decimal string. */
function isSame(one: unknown, other: unknown): boolean {
  const plain = (_: string, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return JSON.stringify(one, plain) === JSON.stringify(other, plain);
}

function judgeKey(
  resource: PanelResource,
  key: string,
  viewer: Permissions,
): Access | 'HIDDEN' | 'READ_ONLY' {
  const staff: readonly string[] = STAFF_KEYS[resource].hidden;
  if (staff.includes(key)) return 'HIDDEN';
  const name = FIELD_OF_KEY[resource].get(key);
  if (name === undefined) return 'READ_ONLY';
  const access = viewer[name];
  if (access.level === 'HIDDEN') return 'HIDDEN';
  return access.level === 'READ' || COMPUTED_KEYS[resource].includes(key) ? 'READ_ONLY' : access;
}

/**
 * What of a change the viewer may not do, by row key; empty when all of it is allowed. A value that does not change
 * is never refused, so that a form may send back what it was given. `context.totals` must name the sum over the
 * other lines for every summed key in the change.
 */
export function judgeWrite(
  resource: PanelResource,
  change: object,
  context: { readonly current: object; readonly totals?: Totals },
  viewer: PanelViewer,
): { field: string; verdict: WriteVerdict }[] {
  if (viewer === null) return [];
  const current = new Map<string, unknown>(Object.entries(context.current));
  return Object.entries(change).flatMap(([key, value]) => {
    if (value === undefined || (current.has(key) && isSame(value, current.get(key)))) return [];
    const access = judgeKey(resource, key, viewer);
    const verdict =
      typeof access === 'string'
        ? access
        : judgeLimits(key, value, access.within ?? {}, context.totals ?? {});
    return verdict === null ? [] : [{ field: key, verdict }];
  });
}

/** What replies tell their reader as `can`, so that no client repeats the rules. `left` is for this line alone. */
export interface Capabilities {
  /** Row keys that may be written. */
  write: string[];
  /** By row key, where a limit was set; `left` only when the totals are known. */
  limits: Record<string, { min?: number; max?: number; left?: number }>;
}

/** What the viewer may write of a resource, by the rules that `judgeWrite` judges by. */
export function capabilities(
  resource: PanelResource,
  viewer: PanelViewer,
  totals: Totals = {},
): Capabilities {
  const keys = [...FIELD_OF_KEY[resource].keys()];
  if (viewer === null) {
    const { shown, hidden } = STAFF_KEYS[resource];
    const computed = COMPUTED_KEYS[resource];
    return { write: [...keys, ...shown, ...hidden].filter((key) => !computed.includes(key)), limits: {} };
  }
  const answer: Capabilities = { write: [], limits: {} };
  for (const key of keys) {
    const access = judgeKey(resource, key, viewer);
    if (typeof access === 'string') continue;
    answer.write.push(key);
    const { min, max, total_max } = access.within ?? {};
    if (min === undefined && max === undefined && total_max === undefined) continue;
    const others = totals[key];
    answer.limits[key] = {
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(total_max !== undefined && others !== undefined && { left: leftOf(total_max, others) }),
    };
  }
  return answer;
}
