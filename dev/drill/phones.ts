import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../services/ports.ts';
import { type RunningSipp, startSipp } from '../services/sipp.ts';
import { cancelScenario, phoneScenario } from '../world/scenario.ts';
import type { CallGroup, Manner } from './calls.ts';

export interface DrillPhones {
  /** No new calls; those in progress may end as they would. */
  stop(): Promise<void>;
}

export interface PhonesOptions {
  readonly dir: string;
  readonly sipPort: number;
  /** How long it takes them to place all their calls, evenly. */
  readonly seconds: number;
}

/** Longer than any call of the drill takes. */
const LAST_CALL_ms = 40_000;
const NUMBER = '99999999999';

/** Account and number of each call come from the columns of a file, a line of it for each call. */
function scenario(manner: Manner): string {
  const phone = { username: '[field0]', password: '"[field1]"', number: NUMBER };
  const text =
    'talk_ms' in manner ? phoneScenario({ ...phone, ...manner }) : cancelScenario({ ...phone, ...manner });
  // SIPp fills in a column inside [authentication …] only between quotes.
  return text.replace('username=[field0]', 'username="[field0]"').replaceAll(NUMBER, '[field2]');
}

async function startGroup(
  name: string,
  { manner, calls }: CallGroup,
  options: PhonesOptions,
): Promise<RunningSipp> {
  const { dir, sipPort, seconds } = options;
  const at = (suffix: string) => join(dir, `${name}${suffix}`);
  writeFileSync(at('.xml'), scenario(manner));
  const rows = calls.map(({ account, number }) => `${account.username};${account.password};${number};`);
  writeFileSync(at('.csv'), `SEQUENTIAL\n${rows.join('\n')}\n`);
  const [port = 0, mediaPort = 0] = await freePorts(2);
  return startSipp({
    name,
    scenario: { file: at('.xml') },
    dir,
    args: [
      [`127.0.0.1:${sipPort}`, '-i', '127.0.0.1', '-p', String(port), '-mp', String(mediaPort)],
      ['-inf', at('.csv'), '-m', String(calls.length), '-l', String(calls.length)],
      ['-r', String(calls.length), '-rp', String(seconds * 1_000)],
      ['-recv_timeout', '20000', '-deadcall_wait', '0'],
    ].flat(),
  });
}

/** One SIPp for each group, which places its calls evenly over the whole time. */
export async function startPhones(
  groups: readonly CallGroup[],
  options: PhonesOptions,
): Promise<DrillPhones> {
  const phones = await Promise.all(
    groups.map((group, index) => startGroup(`phones-${index}`, group, options)),
  );
  return {
    async stop() {
      await Promise.all(phones.map((sipp) => sipp.stop({ timeout_ms: LAST_CALL_ms })));
    },
  };
}
