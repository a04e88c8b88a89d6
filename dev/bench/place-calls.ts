import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../services/ports.ts';
import { waitUntil } from '../services/process.ts';
import { startSipp } from '../services/sipp.ts';
import type { PhoneAccount } from '../world/phone.ts';
import { phoneScenario } from '../world/scenario.ts';
import type { World } from '../world/world.ts';
import { type CallLog, readCallLog } from './call-log.ts';
import { startCapture } from './capture.ts';
import type { Installation } from './installation.ts';
import { whenRecorded } from './records.ts';
import type { Way } from './ways.ts';

/** A local mobile number at which the carrier answers and talks on. */
const NUMBER = '11987654321';
const QUIET_timeout_ms = 60_000;

let runs = 0;

export interface Load {
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

/** One SIPp plays all phones, in turn. Gives what they saw. */
export async function placeCalls(
  world: World,
  accounts: readonly PhoneAccount[],
  load: Load,
): Promise<CallLog> {
  const name = `bench-${++runs}`;
  const at = (suffix: string) => join(world.dir, `${name}${suffix}`);
  writeFileSync(at('.xml'), scenario(load.talk_ms));
  const rows = accounts.map(({ username, password }) => `${username};${password};`);
  writeFileSync(at('.csv'), `SEQUENTIAL\n${rows.join('\n')}\n`);
  const [port = 0, mediaPort = 0] = await freePorts(2);
  const capture = await startCapture(at('.pcap'), port);
  const sipp = await startSipp({
    name,
    scenario: { file: at('.xml') },
    dir: world.dir,
    args: [
      [`127.0.0.1:${world.pabx.ports.sip}`, '-i', '127.0.0.1', '-p', String(port), '-mp', String(mediaPort)],
      ['-inf', at('.csv'), '-r', String(load.rate), '-m', String(load.count), '-l', String(load.count)],
      // The second: otherwise it stays for half a minute after its last call.
      ['-recv_timeout', '20000', '-deadcall_wait', '0'],
    ].flat(),
  });
  const { code, signal } = await sipp.exited;
  const packets = await capture.stop();
  if (code !== 0)
    throw new Error(`SIPp ended with ${signal ?? `code ${code}`}: ${firstError(sipp.errors())}`);
  return readCallLog(packets, port);
}

/** It repeats itself for each call, message by message. */
function firstError(words: string): string {
  return words.replace(/^The following events occurred:\s*/, '').split('\n', 1)[0] ?? '';
}

export async function noChannelLeft({ pabx }: World): Promise<void> {
  const none = async () => /^0 active channels/m.test(await pabx.asterisk().rx('core show channels count'));
  await waitUntil(none, { timeout_ms: QUIET_timeout_ms, what: 'the last channel to go', interval_ms: 250 });
}

/** Calls, and the wait until nothing of them is left: no channel, and with control no record that is missing. */
export async function callUntilQuiet(installation: Installation, way: Way, load: Load) {
  const { world, accounts } = installation;
  const since = new Date();
  const log = await placeCalls(world, accounts[way], load);
  await noChannelLeft(world);
  if (way === 'CONTROLLED') await whenRecorded(installation, since, load.count);
  return { log, since };
}

/** Only as long as it is needed: a control plane that is connected costs Asterisk something in plain calls too. */
export async function setControl({ control, connected }: World, wanted: boolean): Promise<void> {
  await control.stop();
  if (!wanted) return;
  await control.start();
  await connected();
}
