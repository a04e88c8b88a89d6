import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededLine } from '../../src/admin/seed.ts';
import { removeFolder } from '../services/folders.ts';
import { createPhones, type PlacedCall } from '../world/phone.ts';

/** When the caller hangs up, if nobody did before: after this much talk, or after this much ringing. */
export type Patience = { readonly talk_ms: number } | { readonly ring_ms: number };

export interface Callers {
  /** How many calls this line is in. */
  busy(line: SeededLine): number;
  active(): number;
  placed(): number;
  dial(line: SeededLine, number: string, patience: Patience): void;
  /** Every phone hangs up at once. */
  stop(): Promise<void>;
}

/** Phones that call, one SIPp for each call; what a call leaves on disk goes with it. */
export function createCallers(parent: string, sipPort: number, onFailure: (error: Error) => void): Callers {
  const running = new Map<Promise<void>, SeededLine>();
  const open = new Set<PlacedCall>();
  let placed = 0;
  let stopped = false;

  async function call(line: SeededLine, number: string, patience: Patience): Promise<void> {
    const dir = mkdtempSync(join(parent, 'call-'));
    try {
      const account = { username: line.sip_username, password: line.sip_password };
      const phones = createPhones(dir, sipPort);
      const started = await ('talk_ms' in patience
        ? phones.call(account, number, patience.talk_ms)
        : phones.ringAndCancel(account, number, patience.ring_ms));
      open.add(started);
      if (stopped) await started.abandon();
      await started.done;
      open.delete(started);
    } finally {
      removeFolder(dir);
    }
  }

  return {
    busy: (line) => [...running.values()].filter(({ line_id }) => line_id === line.line_id).length,
    active: () => running.size,
    placed: () => placed,
    dial(line, number, patience) {
      placed += 1;
      const ended = call(line, number, patience)
        .catch(onFailure)
        .finally(() => running.delete(ended));
      running.set(ended, line);
    },
    async stop() {
      stopped = true;
      await Promise.all([...open].map((started) => started.abandon()));
      await Promise.all(running.keys());
    },
  };
}
