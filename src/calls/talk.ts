/** Beyond this our clock and the switch's disagree about a duration, and a clock was set in mid-call. */
const CLOCK_STEP_ms = 2_000;

/**
 * How long a call talked. The switch's own times tell it, unless its clock was set meanwhile: then what we saw by our
 * monotonic clock. `paused_ms`: how long we ourselves stood still lately, and may have seen the end too late.
 */
export function talkTime(told_ms: number, seen_ms: number, paused_ms: number): number {
  const late_ms = seen_ms - told_ms;
  return late_ms < -CLOCK_STEP_ms || late_ms > CLOCK_STEP_ms + paused_ms ? seen_ms : told_ms;
}

export interface PauseWatch {
  /** The longest that this process stood still lately; 0: it did not. */
  longest_ms(): number;
}

const LOOK_EVERY_ms = 250;
/** What was sent while we stood still has been worked off by then. */
const LATELY_ms = 10_000;

/** Notices when this process was stopped, or so busy that it may as well have been. */
export function watchPauses(): PauseWatch {
  let looked_ms = performance.now();
  let pause = { until_ms: Number.NEGATIVE_INFINITY, ms: 0 };
  const look = () => {
    const now_ms = performance.now();
    const ms = now_ms - looked_ms - LOOK_EVERY_ms;
    looked_ms = now_ms;
    if (now_ms > pause.until_ms || ms > pause.ms)
      pause = { until_ms: now_ms + LATELY_ms, ms: Math.max(0, ms) };
  };
  setInterval(look, LOOK_EVERY_ms).unref();
  return { longest_ms: () => Math.max(pause.ms, performance.now() - looked_ms - LOOK_EVERY_ms, 0) };
}
