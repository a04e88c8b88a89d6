/** What a switch's own clock shows, known by the times of its events and by our monotonic clock. Milliseconds. */
export interface SwitchClock {
  /** Something that the switch sent at this time, by its clock, has just come. */
  heard(at_ms: number): void;
  /** What it shows now. As long as nothing was heard, the two clocks are taken to agree. */
  now_ms(): number;
  /** Our monotonic time when the switch's clock showed this: the present one, where that cannot be. */
  mono_ms(at_ms: number): number;
  /** How much it was set forward in all, less how much back, since this monotonic time. */
  set_ms(since_mono_ms: number): number;
}

/** For so long an event that came late is not taken for a clock that was set back. */
const WINDOW_ms = 10_000;
/** What a clock may be off by without having been set. */
const STEP_ms = 2_000;
/** What events that came in time agree to, but for the network; and how far apart they have to be to say so. */
const AGREE_ms = 500;
const APART_ms = 1_000;
/** An event that is later than this tells nothing about when it was sent. */
const LATEST_ms = 60_000;
const STEPS_kept = 100;

/**
 * An event may come late, by the network's fault or because this process stood still, but never before it was sent. So of
 * all that was heard of late the earliest to come tells best how far the switch's clock is ahead of ours.
 */
export function createSwitchClock(): SwitchClock {
  /** The most that any event of a stretch of time, and of the one before it, was ahead. */
  let [newer_ms, older_ms] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let begun_mono_ms = Number.NEGATIVE_INFINITY;
  /** When an event last came that agreed with what was known. */
  let agreed_mono_ms = Number.NEGATIVE_INFINITY;
  /** When the one came by which it is known, and whether another one agreed since: before, all may have been late. */
  let [known_since_mono_ms, isSure] = [Number.NEGATIVE_INFINITY, false];
  const steps: { readonly mono_ms: number; readonly by_ms: number }[] = [];

  const ahead_ms = () => Math.max(newer_ms, older_ms);
  const isKnown = () => ahead_ms() > Number.NEGATIVE_INFINITY;

  function take(reading_ms: number, mono_ms: number): void {
    if (mono_ms - begun_mono_ms < WINDOW_ms) newer_ms = Math.max(newer_ms, reading_ms);
    else [older_ms, newer_ms, begun_mono_ms] = [newer_ms, reading_ms, mono_ms];
  }

  function makeSure(reading_ms: number, mono_ms: number, changed_ms: number): void {
    if (Math.abs(changed_ms) > AGREE_ms) [known_since_mono_ms, isSure] = [mono_ms, false];
    else if (mono_ms - known_since_mono_ms >= APART_ms && reading_ms > ahead_ms() - AGREE_ms) isSure = true;
  }

  return {
    heard(at_ms) {
      const mono_ms = performance.now();
      const [before_ms, wasSure] = [ahead_ms(), isSure];
      take(at_ms - mono_ms, mono_ms);
      const by_ms = ahead_ms() - before_ms;
      makeSure(at_ms - mono_ms, mono_ms, by_ms);
      if (wasSure && Math.abs(by_ms) > STEP_ms) {
        // Some time since the last event that agreed: for a call that was answered later, before or after is not known.
        steps.push({ mono_ms: agreed_mono_ms, by_ms });
        if (steps.length > STEPS_kept) steps.shift();
      }
      if (at_ms - mono_ms > ahead_ms() - STEP_ms) agreed_mono_ms = mono_ms;
    },
    now_ms: () => (isKnown() ? performance.now() + ahead_ms() : Date.now()),
    mono_ms(at_ms) {
      const now_mono_ms = performance.now();
      const mono_ms = at_ms - (isKnown() ? ahead_ms() : Date.now() - now_mono_ms);
      return mono_ms > now_mono_ms || mono_ms < now_mono_ms - LATEST_ms ? now_mono_ms : mono_ms;
    },
    set_ms: (since_mono_ms) =>
      steps.reduce((sum, { mono_ms, by_ms }) => (mono_ms >= since_mono_ms ? sum + by_ms : sum), 0),
  };
}
