import type { Random } from './random.ts';

/** What is done to the installation while phones call. */
export const FAULTS = [
  'KILL_CONTROL',
  'KILL_REDIS',
  'KILL_POSTGRES',
  'KILL_ASTERISK',
  'PAUSE_CONTROL',
  'PAUSE_REDIS',
  'PAUSE_POSTGRES',
  'PAUSE_ASTERISK',
  'RESTART_CONTROL',
  'RESTART_REDIS',
  'RESTART_POSTGRES',
  'RESTART_ASTERISK',
  'CUT_ARI',
  'CUT_AMI',
  'SILENCE_ARI',
  'SILENCE_AMI',
  'FLUSH_REDIS',
  'CLOCK_FORWARD',
  'CLOCK_BACK',
  'REPEAT_EVENTS',
  'DELAY_EVENTS',
  'FILL_DISK',
] as const;

export type FaultName = (typeof FAULTS)[number];

export interface PlannedFault {
  readonly name: FaultName;
  /** After the first call. */
  readonly at_seconds: number;
  /** From its beginning to the beginning of its repair. */
  readonly for_seconds: number;
}

export interface Plan {
  readonly faults: readonly PlannedFault[];
  /** How long phones call. */
  readonly seconds: number;
}

/** Calls run undisturbed before the first fault and after the last. */
const QUIET_seconds = 8;
/** Less time than this between two faults leaves none to recover from the first. */
const LEAST_GAP_seconds = 10;
const SHORTEST_seconds = 2;
const LONGEST_seconds = 7;

/** Each fault once, and as often again as there is time, in an order of chance. */
export function longPlan(random: Random, minutes: number): Plan {
  const seconds = minutes * 60;
  const time_seconds = seconds - 2 * QUIET_seconds;
  const rounds = Math.max(1, Math.floor(time_seconds / LEAST_GAP_seconds / FAULTS.length));
  const names = Array.from({ length: rounds }, () => random.shuffled(FAULTS)).flat();
  const gap_seconds = Math.max(LEAST_GAP_seconds, time_seconds / names.length);
  const faults = names.slice(0, Math.floor(time_seconds / gap_seconds + 1e-9)).map((name, index) => ({
    name,
    at_seconds: QUIET_seconds + index * gap_seconds + random.fraction() * 2,
    for_seconds: SHORTEST_seconds + random.fraction() * (LONGEST_seconds - SHORTEST_seconds),
  }));
  return { faults, seconds };
}

/** For the tests: what has to hold at every change, in less than a minute. */
export const SHORT_PLAN: Plan = {
  seconds: 58,
  faults: (
    [
      ['KILL_CONTROL', 2],
      ['PAUSE_CONTROL', 3],
      ['KILL_REDIS', 1],
      ['FLUSH_REDIS', 0],
      ['RESTART_POSTGRES', 1],
      ['SILENCE_ARI', 6],
      ['KILL_ASTERISK', 1],
    ] as const
  ).map(([name, for_seconds], index) => ({ name, for_seconds, at_seconds: 4 + 7 * index })),
};
