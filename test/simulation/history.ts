import type { SliceTimes } from '../../src/calls/slices.ts';
import { dayStart_ms } from '../../src/domain/cycle.ts';
import { type Chance, chanceOf } from './chance.ts';
import type { Host } from './clock.ts';
import type { SubscriberTerms, Terms } from './household.ts';
import type { CallPlan } from './true-call.ts';

interface At {
  readonly at_ms: number;
}

/** What goes wrong, and for how long. */
export type Fault = At & { readonly for_ms: number } & (
    | { readonly do: 'CONTROL_KILLED' }
    | { readonly do: 'LINK_LOST' | 'LINK_SILENT'; readonly server: number }
    | { readonly do: 'SWITCH_KILLED'; readonly server: number; readonly unwritten_ms: number }
    | { readonly do: 'REDIS_FLUSHED' | 'REDIS_AWAY' | 'REDIS_RESTARTED_EMPTY' | 'REDIS_RESTARTED' }
    | { readonly do: 'REDIS_ANSWERS_LOST' | 'POSTGRES_ANSWERS_LOST' | 'POSTGRES_AWAY' }
    | { readonly do: 'SLOW'; readonly what: 'REDIS' | 'POSTGRES' | 'SWITCH'; readonly slow_ms: number }
    | { readonly do: 'EVENTS'; readonly delay_ms: number; readonly doubled: boolean; readonly late: boolean }
    | { readonly do: 'CLOCK_SET'; readonly hosts: readonly Host[]; readonly by_ms: number }
  );

export type Action =
  | (At & { readonly do: 'DIAL'; readonly plan: CallPlan })
  | (At & { readonly do: 'TOP_UP'; readonly subscriber: number; readonly micros: number })
  | (At & { readonly do: 'WITHDRAW'; readonly subscriber: number; readonly micros: number })
  | (At & { readonly do: 'HANG_UP'; readonly call: number })
  | Fault;

/** All that happens, decided beforehand: the same history gives the same run. */
export interface History {
  readonly seed: number;
  readonly start_ms: number;
  readonly times: SliceTimes;
  readonly terms: Terms;
  readonly actions: readonly Action[];
}

export const isFault = (action: Action): action is Fault => 'for_ms' in action;

const TIMES: readonly SliceTimes[] = [
  { slice_seconds: 60, lead_seconds: 10, grace_seconds: 2 },
  { slice_seconds: 20, lead_seconds: 4, grace_seconds: 2 },
  { slice_seconds: 6, lead_seconds: 1, grace_seconds: 2 },
];

const CADENCES = [
  { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
  { initial_seconds: 60, increment_seconds: 60, free_threshold_seconds: 0 },
  { initial_seconds: 1, increment_seconds: 1, free_threshold_seconds: 0 },
] as const;

function subscriberOf(chance: Chance): SubscriberTerms {
  const billing_mode = chance.pick(['PREPAID', 'PREPAID', 'POSTPAID', 'BUNDLE'] as const);
  const price = chance.pick([60_000, 100_000, 39_900, 600_001]);
  /** Money for so many seconds. */
  const worth = (seconds: number) => Math.floor((price * seconds) / 60);
  const bundle = billing_mode === 'BUNDLE';
  return {
    billing_mode,
    price_micros_per_minute: price,
    balance_micros: worth(chance.pick([0, 40, 90, 200, 500, 5_000])),
    credit_micros: billing_mode === 'PREPAID' ? 0 : worth(chance.pick([0, 100, 400, 5_000])),
    daily_cap_micros: chance.odds(0.2) ? worth(chance.int(30, 400)) : null,
    cadence: chance.pick(CADENCES),
    fixed_seconds: bundle && chance.odds(0.8) ? chance.pick([30, 90, 240, 3_000]) : null,
    mobile_seconds: bundle && chance.odds(0.4) ? chance.pick([45, 600]) : null,
    cycle_day: 1,
    max_calls: chance.pick([1, 2, 3, 10]),
    max_calls_out: chance.odds(0.2) ? chance.int(1, 2) : null,
    reserved_in: chance.odds(0.15) ? 1 : 0,
    calls_per_second: chance.odds(0.15) ? chance.int(1, 2) : null,
    lines: Array.from({ length: chance.int(1, 3) }, () => ({
      max_calls: chance.pick([1, 1, 2, 5]),
      max_call_seconds: chance.odds(0.15) ? chance.int(10, 120) : null,
    })),
  };
}

function termsOf(chance: Chance): Terms {
  return {
    switches: chance.pick([1, 1, 2]),
    trunk_max_calls: chance.pick([2, 4, 50]),
    reseller_max_calls: chance.pick([3, 50, 50]),
    wholesale: chance.odds(0.3)
      ? { price_micros_per_minute: 30_000, balance_micros: chance.pick([20_000, 100_000, 10_000_000]) }
      : null,
    subscribers: Array.from({ length: chance.int(1, 3) }, () => subscriberOf(chance)),
  };
}

function planOf(chance: Chance): CallPlan {
  return {
    line: chance.int(0, 9),
    to: chance.pick([
      'FIXED',
      'FIXED',
      'FIXED',
      'MOBILE',
      'LDN',
      'ABROAD',
      'INTERNAL',
      'INBOUND',
      'EMERGENCY',
    ]),
    ring_ms: chance.pick([0, 1, 150, 900]),
    answer_ms: chance.odds(0.85) ? chance.pick([0, 1, 400, 2_500, 11_000]) : null,
    talk_ms:
      chance.pick([0, 1, 999, 1_000, 2_500, 29_999, 30_000, 30_001]) + chance.pick([0, 0, 60_000, 200_000]),
    ended_by: chance.pick(['CALLER', 'CALLEE', 'BOTH']),
    cancel_ms: chance.odds(0.15) ? chance.pick([0, 1, 100, 1_200, 3_000]) : null,
  };
}

const HOUR_ms = 3_600_000;
const SETTING: readonly (readonly Host[])[] = [['control'], ['switch'], ['control', 'switch']];

function faultOf(chance: Chance, at_ms: number): Fault {
  const for_ms = chance.pick([50, 800, 4_000, 15_000, 75_000]);
  const server = chance.int(0, 1);
  const faults: readonly (() => Fault)[] = [
    () => ({ at_ms, for_ms, do: 'CONTROL_KILLED' }),
    () => ({ at_ms, for_ms, do: chance.pick(['LINK_LOST', 'LINK_SILENT']), server }),
    () => ({ at_ms, for_ms, do: 'SWITCH_KILLED', server, unwritten_ms: chance.pick([0, 1_000]) }),
    () => ({
      ...{ at_ms, for_ms },
      do: chance.pick(['REDIS_FLUSHED', 'REDIS_AWAY', 'REDIS_RESTARTED_EMPTY', 'REDIS_RESTARTED']),
    }),
    () => ({
      at_ms,
      for_ms,
      do: chance.pick(['REDIS_ANSWERS_LOST', 'POSTGRES_ANSWERS_LOST', 'POSTGRES_AWAY']),
    }),
    () => {
      const what = chance.pick(['REDIS', 'POSTGRES', 'SWITCH'] as const);
      return { at_ms, for_ms, do: 'SLOW', what, slow_ms: chance.pick([5, 80, 900]) };
    },
    () => {
      const delay_ms = chance.pick([0, 20, 400]);
      return { at_ms, for_ms, do: 'EVENTS', delay_ms, doubled: chance.odds(0.5), late: chance.odds(0.5) };
    },
    () => ({
      at_ms,
      for_ms: 0,
      do: 'CLOCK_SET',
      hosts: chance.pick(SETTING),
      by_ms: chance.pick([-HOUR_ms, HOUR_ms]),
    }),
  ];
  return chance.pick(faults)();
}

/** Three of ten histories go undisturbed: there nothing may be off by a millisecond. */
function actionsOf(chance: Chance): Action[] {
  const length_ms = chance.pick([20_000, 120_000, 300_000]);
  const moment = () => chance.int(0, length_ms);
  const actions: Action[] = Array.from({ length: chance.int(1, 12) }, () => ({
    at_ms: chance.odds(0.3) ? chance.pick([1_000, 1_000, 5_000]) : moment(),
    do: 'DIAL',
    plan: planOf(chance),
  }));
  // Somebody dials again as soon as a call is over.
  for (const before of actions.slice(0, 2)) {
    if (before.do !== 'DIAL' || !chance.odds(0.4)) continue;
    const { line, ring_ms, answer_ms, talk_ms } = before.plan;
    const over_ms = before.at_ms + ring_ms + (answer_ms ?? 0) + talk_ms;
    const plan = { ...planOf(chance), line };
    actions.push({ at_ms: over_ms + chance.pick([0, 1, 100]), do: 'DIAL', plan });
  }
  for (let some = chance.int(0, 2); some > 0; some -= 1) {
    const subscriber = chance.int(0, 2);
    const micros = chance.pick([1_000, 50_000, 400_000]);
    actions.push({ at_ms: moment(), do: chance.pick(['TOP_UP', 'TOP_UP', 'WITHDRAW']), subscriber, micros });
  }
  if (chance.odds(0.2)) actions.push({ at_ms: moment(), do: 'HANG_UP', call: chance.int(0, 5) });
  const faults = chance.odds(0.3) ? 0 : chance.pick([1, 1, 2, 3]);
  for (let count = faults; count > 0; count -= 1) actions.push(faultOf(chance, moment()));
  return actions.sort((one, other) => one.at_ms - other.at_ms);
}

/** The history of a seed. */
export function historyOf(seed: number): History {
  const chance = chanceOf(seed);
  const turn_ms = dayStart_ms('2026-12-01');
  const before_ms = chance.odds(0.4) ? chance.int(5_000, 240_000) : 10 * 24 * HOUR_ms;
  return {
    seed,
    start_ms: turn_ms - before_ms,
    times: chance.pick(TIMES),
    terms: termsOf(chance),
    actions: actionsOf(chance),
  };
}
