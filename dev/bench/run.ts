import { loadavg } from 'node:os';
import { messageOf } from '../services/errors.ts';
import { familyCpu_ms, processCpu_ms, watchOthers } from './cpu.ts';
import { decisionPercentile, readDecisions } from './decisions.ts';
import type { Installation } from './installation.ts';
import type { BenchOptions } from './options.ts';
import { callUntilQuiet, noChannelLeft, setControl } from './place-calls.ts';
import { checkRecords } from './records.ts';
import { percentile } from './statistics.ts';
import type { Way } from './ways.ts';

/** What one run gave. CPU times are milliseconds a call; null: that process has no part in this way. */
export interface Figures {
  readonly calls_per_second: number;
  readonly delay_p50_ms: number;
  readonly delay_p99_ms: number;
  /** From the offer to the decision, inside the control plane. */
  readonly decision_p50_ms: number | null;
  readonly decision_p99_ms: number | null;
  readonly asterisk_ms: number;
  /** The control plane, or the service that decides in its place. */
  readonly control_ms: number | null;
  readonly redis_ms: number | null;
  readonly postgres_ms: number | null;
}

export interface Run {
  readonly round: number;
  readonly way: Way;
  /** Load average of the last minute when it began. */
  readonly load: number;
  /** Share of all cores that foreign processes took meanwhile, 0 to 1. */
  readonly others: number;
  /** Why it does not count, or null. */
  readonly failure: string | null;
  /** null when it does not count. */
  readonly figures: Figures | null;
  /** Calls whose end the control plane found out by comparing, not by its event. */
  readonly unheard: number;
}

/** Calls before each run that nobody measures: code is compiled, tables are cached, wallets are loaded. */
const WARM_UP_seconds: Readonly<Record<'PLAIN' | 'CONTROLLED', number>> = { PLAIN: 4, CONTROLLED: 10 };

interface CpuTimes {
  readonly asterisk: number;
  readonly control: number | null;
  readonly redis: number | null;
  readonly postgres: number | null;
}

function cpuTimes({ world, postgres, decider }: Installation, way: Way): CpuTimes {
  const asterisk = processCpu_ms(world.pabx.asterisk().pid);
  if (way === 'PLAIN' || way === 'GROUP_COUNT')
    return { asterisk, control: null, redis: null, postgres: null };
  const [redis, database] = [world.redis.pid(), postgres.pid()];
  return {
    asterisk,
    control: processCpu_ms(way === 'CONTROLLED' ? world.control.pid() : decider.pid),
    redis: redis && processCpu_ms(redis),
    // One process for each connection.
    postgres: database && familyCpu_ms(database),
  };
}

function perCall(before: CpuTimes, after: CpuTimes, calls: number) {
  const of = (key: 'control' | 'redis' | 'postgres') => {
    const [from, to] = [before[key], after[key]];
    return from === null || to === null ? null : (to - from) / calls;
  };
  return {
    asterisk_ms: (after.asterisk - before.asterisk) / calls,
    control_ms: of('control'),
    redis_ms: of('redis'),
    postgres_ms: of('postgres'),
  };
}

async function measure(
  installation: Installation,
  way: Way,
  options: BenchOptions,
): Promise<Pick<Run, 'figures' | 'unheard'>> {
  const { rate, seconds, talk_ms } = options;
  await setControl(installation.world, way === 'CONTROLLED');
  const controlled = way === 'CONTROLLED';
  const warmUp_seconds = WARM_UP_seconds[controlled ? 'CONTROLLED' : 'PLAIN'];
  await callUntilQuiet(installation, way, { count: rate * warmUp_seconds, rate, talk_ms });
  const count = rate * seconds;
  const decisions = controlled ? await readDecisions(installation.world.control.url) : null;
  const before = cpuTimes(installation, way);
  const { log, since } = await callUntilQuiet(installation, way, { count, rate, talk_ms });
  const after = cpuTimes(installation, way);

  const decided = decisions && (await readDecisions(installation.world.control.url));
  const { good, delays_ms, calls_per_second } = log;
  if (good !== count)
    throw new Error(`${count - good} of ${count} calls did not ring, talk and end in order`);
  const { db } = installation.world.database;
  const figures = {
    calls_per_second,
    delay_p50_ms: percentile(delays_ms, 50),
    delay_p99_ms: percentile(delays_ms, 99),
    decision_p50_ms: decisions && decided && decisionPercentile(decisions, decided, 50),
    decision_p99_ms: decisions && decided && decisionPercentile(decisions, decided, 99),
    ...perCall(before, after, count),
  };
  return { figures, unheard: controlled ? await checkRecords(db, since, talk_ms) : 0 };
}

/** One run of one way. A fault makes it one that does not count; the next one begins on a quiet Asterisk. */
export async function run(
  installation: Installation,
  round: number,
  way: Way,
  options: BenchOptions,
): Promise<Run> {
  await noChannelLeft(installation.world);
  const [load = 0] = loadavg();
  const others = watchOthers();
  try {
    const measured = await measure(installation, way, options);
    return { round, way, load, others: others(), failure: null, ...measured };
  } catch (error) {
    return { round, way, load, others: others(), failure: messageOf(error), figures: null, unheard: 0 };
  }
}
