import type { AriChannel } from '../../src/asterisk/ari/port.ts';
import { seenCalls } from '../../src/calls/recovery.ts';
import type { Stage } from './stage.ts';

/** Calls that Redis holds slots for and no switch runs, and the other way round. */
export interface Drift {
  readonly leases: number;
  readonly running: number;
  /** Ids of calls that only one of the two knows. */
  readonly differing: readonly string[];
}

const PATIENCE_ms = 2_000;

async function runningCalls({ world: { pabx, access } }: Stage): Promise<Set<string>> {
  const authorization = `Basic ${Buffer.from(`${access.user}:${access.ari_password}`).toString('base64')}`;
  const url = `http://127.0.0.1:${pabx.ports.http}/ari/channels`;
  const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(PATIENCE_ms) });
  if (!response.ok) throw new Error(`the list of channels: ${response.status}`);
  return new Set(seenCalls((await response.json()) as AriChannel[]).map(({ call_id }) => call_id));
}

/** Every call id in a set of slots, or in the list of a switch. */
async function leasedCalls({ redis }: Stage): Promise<Set<string>> {
  const keys = [...(await redis.keys('pabx:slots:*')), ...(await redis.keys('pabx:calls:*'))];
  const members = await Promise.all(keys.map((key) => redis.zrange(key, 0, '-1')));
  return new Set(members.flat() as string[]);
}

/** Throws while Redis or the switch does not answer. */
export async function readDrift(stage: Stage): Promise<Drift> {
  const [leased, running] = await Promise.all([leasedCalls(stage), runningCalls(stage)]);
  const differing = [
    ...[...leased].filter((id) => !running.has(id)),
    ...[...running].filter((id) => !leased.has(id)),
  ];
  return { leases: leased.size, running: running.size, differing };
}
