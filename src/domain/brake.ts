import type { CallClass } from './call-class.ts';
import type { Micros } from './money.ts';

/** What a subscriber's reseller lets the brake do: nothing, only tell, or slow down and block. */
export const BRAKE_MODES = ['OFF', 'WATCH', 'BRAKE'] as const;
export type BrakeMode = (typeof BRAKE_MODES)[number];

/** How a subscriber is watched. `percent` scales the thresholds: 50 trips at half of them, 200 at twice as much. */
export interface BrakeSettings {
  readonly mode: BrakeMode;
  readonly percent: number;
}

export const BRAKE_PERCENT = { least: 1, usual: 100, most: 1_000 } as const;

/** Classes that are watched, and blocked, together. */
export const CLASS_GROUPS = {
  NATIONAL: ['FIXED_LOCAL', 'FIXED_LDN', 'MOBILE_LOCAL', 'MOBILE_LDN'],
  ABROAD: ['INTL_FIXED', 'INTL_MOBILE', 'INTL_SPECIAL'],
  PREMIUM: ['PREMIUM', 'SHARED_COST', 'COLLECT'],
} as const satisfies Record<string, readonly CallClass[]>;
export type ClassGroup = keyof typeof CLASS_GROUPS;
export const CLASS_GROUP_NAMES = Object.keys(CLASS_GROUPS) as ClassGroup[];

/** null: calls of the class are never watched: emergency, internal, free and inbound ones, and public utilities. */
export function groupOf(call_class: CallClass): ClassGroup | null {
  return (
    CLASS_GROUP_NAMES.find((name) => (CLASS_GROUPS[name] as readonly CallClass[]).includes(call_class)) ??
    null
  );
}

export const WATCHED_LEVELS = ['LINE', 'SUBSCRIBER'] as const;
export type WatchedLevel = (typeof WATCHED_LEVELS)[number];

/** What calls of one group did of late, counted for a line or for all lines of a subscriber. */
export interface Counters {
  /** What their talk was worth, minutes of franquias included, in the last 10 and 60 minutes. */
  readonly spent_10m_micros: Micros;
  readonly spent_60m_micros: Micros;
  /** Different numbers called in the last hour. */
  readonly destinations: number;
  /** Calls of the last 10 minutes that were answered and over at once. */
  readonly short_calls: number;
}

export const NO_COUNTERS: Counters = {
  spent_10m_micros: 0n,
  spent_60m_micros: 0n,
  destinations: 0,
  short_calls: 0,
};

export interface Evidence extends Counters {
  readonly level: WatchedLevel;
  readonly group: ClassGroup;
  /** What a day of the subscriber's calls of the group is usually worth. */
  readonly usual_day_micros: Micros;
  /** The call goes to a country that was first called within NEW_COUNTRY_ms. */
  readonly new_country: boolean;
  readonly night: boolean;
  readonly weekend: boolean;
}

export const SIGNALS = [
  'SPEND_10M',
  'SPEND_60M',
  'DESTINATIONS',
  'SHORT_CALLS',
  'NEW_COUNTRY',
  'NIGHT',
  'WEEKEND',
] as const;
export type Signal = (typeof SIGNALS)[number];

/** `value`: micro-reais or a count, as text. */
export interface Sign {
  readonly signal: Signal;
  readonly value: string;
  readonly points: number;
}

export const STEPS = ['NONE', 'SHORTEN', 'BLOCK'] as const;
export type Step = (typeof STEPS)[number];

export interface Judgement {
  readonly step: Step;
  readonly score: number;
  readonly signs: readonly Sign[];
  /** It would be blocked if the group were one that is: people should know. */
  readonly alarming: boolean;
}

/** A call shorter than this is one of a burst; a country stays new for so long after its first call. */
export const SHORT_CALL_ms = 15_000;
export const NEW_COUNTRY_ms = 24 * 3_600_000;
/** Slices of suspicious calls: what one call may still cost after it is blocked. */
export const SHORT_SLICE_seconds = 10;

const SHORTEN_FROM = 3;
const BLOCK_FROM = 6;
/** A subscriber's lines together may do so many times what one line may. */
const LINES_TOGETHER = 3n;

interface Thresholds {
  /** Amounts that are nothing yet, however little is usual. */
  readonly spent_10m_micros: Micros;
  readonly spent_60m_micros: Micros;
  /** From how many on there is one point, are two and three. */
  readonly destinations: readonly [number, number, number];
  readonly short_calls: readonly [number, number, number];
}

const REAL = 1_000_000n;

/** For one line at 100 percent. A call centre makes many short national calls: only far more of them are a sign. */
const THRESHOLDS: Readonly<Record<ClassGroup, Thresholds>> = {
  NATIONAL: {
    spent_10m_micros: 100n * REAL,
    spent_60m_micros: 300n * REAL,
    destinations: [300, 600, 1_200],
    short_calls: [100, 200, 400],
  },
  ABROAD: {
    spent_10m_micros: 20n * REAL,
    spent_60m_micros: 50n * REAL,
    destinations: [10, 20, 40],
    short_calls: [5, 10, 20],
  },
  PREMIUM: {
    spent_10m_micros: 20n * REAL,
    spent_60m_micros: 50n * REAL,
    destinations: [5, 10, 20],
    short_calls: [5, 10, 20],
  },
};

/** Points for spending once, twice and four times what is still ordinary. */
const SPEND_POINTS = [
  [4n, 6],
  [2n, 4],
  [1n, 2],
] as const;

const larger = (one: Micros, other: Micros) => (one > other ? one : other);

/** 0, or 1 to 3 for each threshold that was reached. */
function countPoints(count: number, thresholds: readonly number[], factor: bigint): number {
  return thresholds.filter((from) => BigInt(count) * 100n >= BigInt(from) * factor).length;
}

function spendPoints(spent: Micros, ordinary: Micros, factor: bigint): number {
  const found = SPEND_POINTS.find(([times]) => spent * 100n >= ordinary * times * factor);
  return found?.[1] ?? 0;
}

/** What speaks against a call, with its weight. A quarter of a usual day within 10 minutes is still ordinary. */
function signsOf(evidence: Evidence, percent: number): Sign[] {
  const { level, group, usual_day_micros: usual, spent_10m_micros, spent_60m_micros } = evidence;
  const from = THRESHOLDS[group];
  const factor = BigInt(percent) * (level === 'SUBSCRIBER' ? LINES_TOGETHER : 1n);
  const ordinary_10m = larger(from.spent_10m_micros, usual / 4n);
  const ordinary_60m = larger(from.spent_60m_micros, usual);
  const sign = (signal: Signal, value: bigint | number, points: number): Sign => ({
    signal,
    value: value.toString(),
    points,
  });
  const { destinations, short_calls, new_country, night, weekend } = evidence;
  return [
    sign('SPEND_10M', spent_10m_micros, spendPoints(spent_10m_micros, ordinary_10m, factor)),
    sign('SPEND_60M', spent_60m_micros, spendPoints(spent_60m_micros, ordinary_60m, factor)),
    sign('DESTINATIONS', destinations, countPoints(destinations, from.destinations, factor)),
    sign('SHORT_CALLS', short_calls, countPoints(short_calls, from.short_calls, factor)),
    sign('NEW_COUNTRY', 1, new_country ? 2 : 0),
    sign('NIGHT', 1, night ? 1 : 0),
    sign('WEEKEND', 1, weekend ? 1 : 0),
  ].filter(({ points }) => points > 0);
}

/** National calls are blocked for nothing but spending beyond all measure. */
function isAbsurd(signs: readonly Sign[]): boolean {
  return signs.some(({ signal, points }) => signal.startsWith('SPEND_') && points >= BLOCK_FROM);
}

/** What is to be done about calls of a group. More of anything never gives a milder step. */
export function judge(evidence: Evidence, percent: number): Judgement {
  const signs = signsOf(evidence, percent);
  const score = signs.reduce((sum, { points }) => sum + points, 0);
  const alarming = score >= BLOCK_FROM;
  const blocks = alarming && (evidence.group !== 'NATIONAL' || isAbsurd(signs));
  return { step: blocks ? 'BLOCK' : score >= SHORTEN_FROM ? 'SHORTEN' : 'NONE', score, signs, alarming };
}

/** Hours in which few calls are made, from the first up to the second; the same hour twice: all day long. */
export interface NightHours {
  readonly from: number;
  readonly to: number;
}

export function isNight(hour: number, { from, to }: NightHours): boolean {
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}
