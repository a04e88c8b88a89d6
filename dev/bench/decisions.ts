/** Decisions by the longest time that a bucket of `/metrics` holds, in seconds. */
export type Decisions = ReadonlyMap<number, number>;

export async function readDecisions(controlUrl: string): Promise<Decisions> {
  const text = await (await fetch(`${controlUrl}/metrics`)).text();
  const buckets = text.matchAll(/^pabx_decision_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  return new Map(
    [...buckets].map(([, most, count]) => [most === '+Inf' ? Infinity : Number(most), Number(count)]),
  );
}

/**
 * The time in ms below which so many percent of the decisions between two readings were made: within its bucket as if
 * they lay evenly. Infinity: beyond the last bucket. Throws RangeError when there was none.
 */
export function decisionPercentile(before: Decisions, after: Decisions, percent: number): number {
  const counted = [...after].map(([most, count]) => ({ most, count: count - (before.get(most) ?? 0) }));
  const wanted = ((counted.at(-1)?.count ?? 0) * percent) / 100;
  if (wanted === 0) throw new RangeError('no decision was made');
  let lower = { most: 0, count: 0 };
  for (const bucket of counted) {
    if (bucket.count >= wanted) {
      const share = (wanted - lower.count) / (bucket.count - lower.count);
      return (lower.most + (bucket.most - lower.most) * share) * 1_000;
    }
    lower = bucket;
  }
  return Number.POSITIVE_INFINITY;
}
