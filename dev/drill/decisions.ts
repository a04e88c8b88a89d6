import type { World } from '../world/world.ts';

/** Decision times that all processes of a drill counted, by the upper bound of their bucket. */
export interface Decisions {
  readonly count: number;
  /** Seconds that so many per cent of the decisions did not exceed, as exactly as buckets tell; null: none was made. */
  percentile_seconds(percent: number): number | null;
}

const LINE = /^pabx_decision_seconds_bucket\{le="([^"]+)"\} (\d+)/;

/** Upper bound in seconds → decisions up to it. */
function readBuckets(metrics: string): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const line of metrics.split('\n')) {
    const [, bound, count] = LINE.exec(line) ?? [];
    if (bound !== undefined)
      buckets.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count));
  }
  return buckets;
}

/** Between two bounds as if decisions were spread evenly, as Prometheus does it. */
function interpolate(buckets: ReadonlyMap<number, number>, percent: number): number | null {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const all = buckets.get(Number.POSITIVE_INFINITY) ?? 0;
  if (all === 0) return null;
  const rank = (percent / 100) * all;
  let [below, before] = [0, 0];
  for (const bound of bounds) {
    const up_to = buckets.get(bound) ?? 0;
    if (up_to >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return below;
      return below + ((bound - below) * (rank - before)) / (up_to - before);
    }
    [below, before] = [bound, up_to];
  }
  return below;
}

/** Adds up the histograms of processes that were killed one after another. */
export function createDecisionCount() {
  const ended = new Map<number, number>();
  let current = new Map<number, number>();
  const add = (to: Map<number, number>, more: ReadonlyMap<number, number>) => {
    for (const [bound, count] of more) to.set(bound, (to.get(bound) ?? 0) + count);
  };
  return {
    /** What `/metrics` says now. A count that went back is that of a new process. */
    take(metrics: string): void {
      const read = readBuckets(metrics);
      const total = (buckets: ReadonlyMap<number, number>) => buckets.get(Number.POSITIVE_INFINITY) ?? 0;
      if (total(read) < total(current)) add(ended, current);
      current = read;
    },
    total(): Decisions {
      const all = new Map(ended);
      add(all, current);
      return {
        count: all.get(Number.POSITIVE_INFINITY) ?? 0,
        percentile_seconds: (percent) => interpolate(all, percent),
      };
    },
  };
}

const EVERY_ms = 1_000;
const PATIENCE_ms = 900;

/** Reads the decision times every second, so that a killed process takes little with it. */
export function watchDecisions({ control }: World) {
  const count = createDecisionCount();
  const read = async () => {
    const response = await fetch(`${control.url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_ms) });
    if (response.ok) count.take(await response.text());
  };
  // Nobody answers while it is away.
  const timer = setInterval(() => read().catch(() => {}), EVERY_ms);
  return {
    async stop(): Promise<Decisions> {
      clearInterval(timer);
      await read().catch(() => {});
      return count.total();
    },
  };
}
