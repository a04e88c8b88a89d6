import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../services/ports.ts';
import { startSipp } from '../services/sipp.ts';
import { carrierScenario } from './scenario.ts';

export interface Carrier {
  readonly port: number;
  stop(): Promise<void>;
}

/** A SIPp that answers what a trunk sends out. */
export async function startCarrier(
  dir: string,
  port: number,
  ring_ms: number,
  media_port?: number,
): Promise<Carrier> {
  const file = join(dir, 'carrier.xml');
  writeFileSync(file, carrierScenario(ring_ms, media_port));
  const args = ['-i', '127.0.0.1', '-p', String(port), '-mp', String(await freePort())];
  const sipp = await startSipp({ name: 'carrier', scenario: { file }, dir, args });
  return {
    port,
    stop: async () => {
      await sipp.stop({ timeout_ms: 1 });
    },
  };
}
