export interface Ending {
  /** Fulfilled when somebody wants it to end. */
  readonly asked: Promise<void>;
  askAfter(delay_ms: number): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const INTERRUPTED = 130;
/** npm hands on to its child the Ctrl-C that the terminal has given to both. */
const SAME_KEY_ms = 500;
/** Whoever asked has waited long enough; what still runs dies with this process. */
const PATIENCE_ms = 15_000;

/** The first signal asks for an orderly end, the second one ends at once. */
export function listenForEnding(): Ending {
  let asked_at_ms: number | null = null;
  let ask = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const first = () => {
    asked_at_ms ??= performance.now();
    setTimeout(() => process.exit(INTERRUPTED), PATIENCE_ms).unref();
    ask();
  };
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (asked_at_ms === null) first();
      else if (performance.now() - asked_at_ms > SAME_KEY_ms) process.exit(INTERRUPTED);
    });
  }
  // A reader that went away, such as `head`, wants no more of it.
  process.stdout.on('error', first);
  return {
    asked,
    askAfter(delay_ms) {
      setTimeout(ask, delay_ms).unref();
    },
  };
}
