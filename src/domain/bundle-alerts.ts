/** Percent of a franquia at which its subscriber is told (RGC: notice when consumption nears the franquia). */
export const BUNDLE_THRESHOLDS = [50, 80, 100] as const;

/** The thresholds that use came to when what was left went from `before_seconds` to `after_seconds`. */
export function thresholdsCrossed(
  included_seconds: number,
  before_seconds: number,
  after_seconds: number,
): number[] {
  if (included_seconds <= 0) return [];
  const reached = (left: number, percent: number) =>
    (included_seconds - left) * 100 >= percent * included_seconds;
  return BUNDLE_THRESHOLDS.filter(
    (percent) => reached(after_seconds, percent) && !reached(before_seconds, percent),
  );
}
