import { dayStart_ms } from '../../src/domain/cycle.ts';
import type { Action, History } from './history.ts';
import type { SubscriberTerms } from './household.ts';
import type { CallPlan } from './true-call.ts';

const SUBSCRIBER: SubscriberTerms = {
  billing_mode: 'PREPAID',
  price_micros_per_minute: 600_001,
  balance_micros: 5_000_000,
  credit_micros: 0,
  daily_cap_micros: null,
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
  fixed_seconds: null,
  mobile_seconds: null,
  cycle_day: 1,
  max_calls: 10,
  max_calls_out: null,
  reserved_in: 0,
  calls_per_second: null,
  lines: [{ max_calls: 2, max_call_seconds: null }],
};

function history(actions: readonly Action[], terms: Partial<SubscriberTerms> = {}): History {
  return {
    seed: 1,
    start_ms: dayStart_ms('2026-11-21'),
    times: { slice_seconds: 20, lead_seconds: 4, grace_seconds: 2 },
    terms: {
      switches: 1,
      trunk_max_calls: 50,
      reseller_max_calls: 50,
      wholesale: null,
      subscribers: [{ ...SUBSCRIBER, ...terms }],
    },
    actions,
  };
}

function dial(at_ms: number, more: Partial<CallPlan> = {}): Action {
  const plan: CallPlan = {
    ...{
      line: 0,
      to: 'FIXED',
      ring_ms: 150,
      answer_ms: 400,
      talk_ms: 60_000,
      ended_by: 'CALLER',
      cancel_ms: null,
    },
    ...more,
  };
  return { at_ms, do: 'DIAL', plan };
}

const HOUR_ms = 3_600_000;
const SOME = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Histories that broke a rule once, cut down to what it takes, and what was wrong then. */
export const ONCE_BROKEN: readonly (readonly [string, History])[] = [
  [
    'the clocks of switch and control plane disagree over a restart',
    history([
      dial(9_000),
      { at_ms: 13_000, for_ms: 15_000, do: 'CONTROL_KILLED' },
      { at_ms: 14_000, for_ms: 0, do: 'CLOCK_SET', hosts: ['control'], by_ms: HOUR_ms },
    ]),
  ],
  [
    'a call vanishes from a switch whose clock is another',
    history([
      { at_ms: 6_000, for_ms: 0, do: 'CLOCK_SET', hosts: ['control'], by_ms: HOUR_ms },
      dial(8_000, { to: 'EMERGENCY', talk_ms: 200_000 }),
      { at_ms: 15_000, for_ms: 75_000, do: 'SWITCH_KILLED', server: 0, unwritten_ms: 1_000 },
    ]),
  ],
  [
    'a call is answered while the link is away for a moment',
    history([
      dial(10_000, { answer_ms: 2_500, talk_ms: 230_000 }),
      { at_ms: 12_600, for_ms: 100, do: 'LINK_SILENT', server: 0 },
    ]),
  ],
  [
    'offers are told twice',
    history([
      { at_ms: 1_000, for_ms: 75_000, do: 'EVENTS', delay_ms: 20, doubled: true, late: true },
      ...SOME.map((index) => dial(2_000 + 6_000 * index, { talk_ms: 5_000 })),
    ]),
  ],
  [
    'the answer of the admission is lost',
    history([
      { at_ms: 12_000, for_ms: 15_000, do: 'REDIS_ANSWERS_LOST' },
      ...SOME.map((index) => dial(12_500 + 100 * index, { cancel_ms: 1_000 })),
    ]),
  ],
  [
    'running calls cannot be compared as the control plane starts',
    history([
      dial(7_000, { to: 'EMERGENCY', talk_ms: 200_000 }),
      { at_ms: 15_000, for_ms: 4_000, do: 'POSTGRES_AWAY' },
      { at_ms: 16_000, for_ms: 50, do: 'CONTROL_KILLED' },
    ]),
  ],
  [
    'only the journal knows a call that talked into its grace',
    history(
      [
        dial(1_000, { answer_ms: 2_500, talk_ms: 31_000 }),
        { at_ms: 5_000, for_ms: 60_000, do: 'CONTROL_KILLED' },
        { at_ms: 40_000, for_ms: 75_000, do: 'REDIS_RESTARTED_EMPTY' },
      ],
      { balance_micros: 300_001 },
    ),
  ],
];
