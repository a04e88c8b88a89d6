import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Evidence } from './evidence.ts';
import type { Stage } from './stage.ts';

const KEPT = fileURLToPath(new URL('../../build/drill', import.meta.url));

/** JSON has neither big integers nor maps. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}

/** Keeps what a drill that has failed leaves behind: records, and the logs of all that took part. Gives the folder. */
export function keepTraces({ world: { control, pabx }, carrierLog }: Stage, evidence: Evidence): string {
  rmSync(KEPT, { recursive: true, force: true });
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(join(KEPT, 'evidence.json'), JSON.stringify(evidence, plain, 2));
  const { outside } = pabx.instance;
  for (const file of [
    control.logFile,
    carrierLog,
    join(outside, 'asterisk.out'),
    join(outside, 'state/log/messages'),
  ])
    if (existsSync(file)) cpSync(file, join(KEPT, basename(file)));
  return KEPT;
}
