import { readDrift } from './drift.ts';
import type { Stage } from './stage.ts';

/** A call that only Redis or only the switch knew for too long. */
export interface Drifted {
  readonly call_id: string;
  readonly seconds: number;
}

/** What is broken may need so long to be whole again, and a comparison with the switch to come round. */
const PATIENCE_seconds = 30;

/** Remembers since when each call has been known to one side alone. */
export function createDriftCount() {
  const since = new Map<string, number>();
  const longest = new Map<string, number>();
  return {
    /** What differs at this moment, in seconds of any clock. */
    take(at_seconds: number, differing: readonly string[]): void {
      const now = new Set(differing);
      for (const id of since.keys()) if (!now.has(id)) since.delete(id);
      for (const id of now) {
        const from = since.get(id) ?? at_seconds;
        since.set(id, from);
        longest.set(id, Math.max(longest.get(id) ?? 0, at_seconds - from));
      }
    },
    tooLong: (): Drifted[] =>
      [...longest]
        .filter(([, seconds]) => seconds > PATIENCE_seconds)
        .map(([call_id, seconds]) => ({ call_id, seconds })),
  };
}

const EVERY_ms = 1_000;

/** Compares Redis with the switch all the time. While one of them is away nothing can be compared. */
export function watchDrift(stage: Stage) {
  const count = createDriftCount();
  let reading = false;
  const look = async () => {
    if (reading) return;
    reading = true;
    try {
      const { differing } = await readDrift(stage);
      count.take(performance.now() / 1_000, differing);
    } finally {
      reading = false;
    }
  };
  const timer = setInterval(() => look().catch(() => {}), EVERY_ms);
  return {
    stop(): Drifted[] {
      clearInterval(timer);
      return count.tooLong();
    },
  };
}
