import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../services/errors.ts';
import { freePorts } from '../services/ports.ts';
import { waitUntil } from '../services/process.ts';
import { startSipp } from '../services/sipp.ts';
import type { PhoneAccount } from '../world/phone.ts';
import { phoneScenario } from '../world/scenario.ts';
import type { World } from '../world/world.ts';
import { readCallLog } from './call-log.ts';
import { familyCpu_ms, processCpu_ms, watchOthers } from './cpu.ts';
import type { Installation, Way } from './installation.ts';
import type { BenchOptions } from './options.ts';
import { checkRecords, whenRecorded } from './records.ts';
import { percentile } from './statistics.ts';

/** What one run gave. CPU times are milliseconds a call; null: that process has no part in this way. */
export interface Figures {
  readonly calls_per_second: number;
  readonly delay_p50_ms: number;
  readonly delay_p99_ms: number;
  readonly asterisk_ms: number;
  readonly control_ms: number | null;
  readonly redis_ms: number | null;
  readonly postgres_ms: number | null;
}

export interface Run {
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

/** A local mobile number at which the carrier answers and talks on. */
const NUMBER = '11987654321';
/** Calls before each run that nobody measures: code is compiled, tables are cached, wallets are loaded. */
const WARM_UP_seconds = 4;
const QUIET_timeout_ms = 60_000;

let runs = 0;

interface Load {
  readonly count: number;
  readonly rate: number;
  readonly talk_ms: number;
}

/** The scenario of a phone whose account is in columns 0 and 1 of a file, a line of it for each call. */
function scenario(talk_ms: number): string {
  const phone = { username: '[field0]', password: '"[field1]"', number: NUMBER, talk_ms };
  // SIPp fills in a column inside [authentication …] only between quotes.
  return phoneScenario(phone).replace('username=[field0]', 'username="[field0]"');
}

/** One SIPp plays all phones, in turn. Gives the file that tells what they saw. */
async function placeCalls(world: World, accounts: readonly PhoneAccount[], load: Load): Promise<string> {
  const name = `bench-${++runs}`;
  const at = (suffix: string) => join(world.dir, `${name}${suffix}`);
  writeFileSync(at('.xml'), scenario(load.talk_ms));
  const rows = accounts.map(({ username, password }) => `${username};${password};`);
  writeFileSync(at('.csv'), `SEQUENTIAL\n${rows.join('\n')}\n`);
  const [port = 0, mediaPort = 0] = await freePorts(2);
  const sipp = await startSipp({
    name,
    scenario: { file: at('.xml') },
    dir: world.dir,
    args: [
      [`127.0.0.1:${world.pabx.ports.sip}`, '-i', '127.0.0.1', '-p', String(port), '-mp', String(mediaPort)],
      ['-inf', at('.csv'), '-r', String(load.rate), '-m', String(load.count), '-l', String(load.count)],
      ['-recv_timeout', '20000', '-trace_shortmsg', '-shortmessage_file', at('-short.log')],
      // Otherwise it stays for half a minute after its last call.
      ['-deadcall_wait', '0'],
    ].flat(),
  });
  const { code, signal } = await sipp.exited;
  if (code !== 0)
    throw new Error(`SIPp ended with ${signal ?? `code ${code}`}: ${firstError(sipp.errors())}`);
  return at('-short.log');
}

/** It repeats itself for each call, message by message. */
function firstError(words: string): string {
  return words.replace(/^The following events occurred:\s*/, '').split('\n', 1)[0] ?? '';
}

async function noChannelLeft({ pabx }: World): Promise<void> {
  const none = async () => /^0 active channels/m.test(await pabx.asterisk().rx('core show channels count'));
  await waitUntil(none, { timeout_ms: QUIET_timeout_ms, what: 'the last channel to go', interval_ms: 250 });
}

/** Only as long as it is needed: a control plane that is connected costs Asterisk something in plain calls too. */
async function setControl({ control, connected }: World, wanted: boolean): Promise<void> {
  await control.stop();
  if (!wanted) return;
  await control.start();
  await connected();
}

interface CpuTimes {
  readonly asterisk: number;
  readonly control: number | null;
  readonly redis: number | null;
  readonly postgres: number | null;
}

function cpuTimes({ world, postgres }: Installation, way: Way): CpuTimes {
  const asterisk = processCpu_ms(world.pabx.asterisk().pid);
  if (way === 'PLAIN') return { asterisk, control: null, redis: null, postgres: null };
  const [redis, database] = [world.redis.pid(), postgres.pid()];
  return {
    asterisk,
    control: processCpu_ms(world.control.pid()),
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

/** Calls, and the wait until nothing of them is left: no channel, and with control no record that is missing. */
async function callUntilQuiet(installation: Installation, way: Way, load: Load) {
  const { world, accounts } = installation;
  const since = new Date();
  const log = await placeCalls(world, accounts[way], load);
  await noChannelLeft(world);
  if (way === 'CONTROLLED') await whenRecorded(installation, since, load.count);
  return { log, since };
}

async function measure(
  installation: Installation,
  way: Way,
  options: BenchOptions,
): Promise<Pick<Run, 'figures' | 'unheard'>> {
  const { rate, seconds, talk_ms } = options;
  await setControl(installation.world, way === 'CONTROLLED');
  await callUntilQuiet(installation, way, { count: rate * WARM_UP_seconds, rate, talk_ms });
  const count = rate * seconds;
  const before = cpuTimes(installation, way);
  const { log, since } = await callUntilQuiet(installation, way, { count, rate, talk_ms });
  const after = cpuTimes(installation, way);

  const { good, delays_ms, calls_per_second } = readCallLog(log);
  if (good !== count)
    throw new Error(`${count - good} of ${count} calls did not ring, talk and end in order`);
  const { db } = installation.world.database;
  const figures = {
    calls_per_second,
    delay_p50_ms: percentile(delays_ms, 50),
    delay_p99_ms: percentile(delays_ms, 99),
    ...perCall(before, after, count),
  };
  return { figures, unheard: way === 'PLAIN' ? 0 : await checkRecords(db, since, talk_ms) };
}

/** One run of one way. A fault makes it one that does not count; the next one begins on a quiet Asterisk. */
export async function run(installation: Installation, way: Way, options: BenchOptions): Promise<Run> {
  await noChannelLeft(installation.world);
  const [load = 0] = loadavg();
  const others = watchOthers();
  try {
    const measured = await measure(installation, way, options);
    return { way, load, others: others(), failure: null, ...measured };
  } catch (error) {
    return { way, load, others: others(), failure: messageOf(error), figures: null, unheard: 0 };
  }
}
