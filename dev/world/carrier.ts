import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../services/ports.ts';
import { startSipp } from '../services/sipp.ts';
import { carrierScenario } from './scenario.ts';

export interface Carrier {
  readonly port: number;
  /** Where it writes a line for each message, if it was told to. */
  readonly messages: string;
  stop(): Promise<void>;
}

/** A SIPp that answers what a trunk sends out. `media_port` takes its audio; `trace`: it writes a line for each message. */
export async function startCarrier(
  dir: string,
  port: number,
  ring_ms: number,
  { media_port, trace = false }: { readonly media_port?: number | undefined; readonly trace?: boolean } = {},
): Promise<Carrier> {
  const file = join(dir, 'carrier.xml');
  writeFileSync(file, carrierScenario(ring_ms, media_port));
  const messages = join(dir, 'carrier-short.log');
  const local = ['-i', '127.0.0.1', '-p', String(port), '-mp', String(await freePort())];
  const tracing = trace ? ['-trace_shortmsg', '-shortmessage_file', messages] : [];
  const args = [...local, ...tracing];
  const sipp = await startSipp({ name: 'carrier', scenario: { file }, dir, args });
  return {
    port,
    messages,
    stop: async () => {
      await sipp.stop({ timeout_ms: 1 });
    },
  };
}
