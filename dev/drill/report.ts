import type { Decisions } from './decisions.ts';
import type { Evidence } from './evidence.ts';
import { type Fault, passed, type Verdict } from './verdict.ts';

export interface DrillResult {
  /** From the first call to the end of the last. */
  readonly ran_seconds: number;
  readonly placed: number;
  readonly decisions: Decisions;
  readonly evidence: Evidence;
  readonly verdict: Verdict;
}

const NAMED_AT_MOST = 20;
const TITLE_width = 26;

const row = (title: string, value: string) => `${title.padEnd(TITLE_width)}${value}`;

function milliseconds(seconds: number | null): string {
  return seconds === null ? '–' : `${(seconds * 1_000).toFixed(2)} ms`;
}

function faultLines(title: string, { amount, named }: Fault): string[] {
  const shown = named.slice(0, NAMED_AT_MOST).map((words) => `    ${words}`);
  const more = named.length - shown.length;
  return [row(title, String(amount)), ...shown, ...(more > 0 ? [`    and ${more} more`] : [])];
}

/** What a drill found, line by line; the last five figures must be zero. */
export function reportLines(result: DrillResult): string[] {
  const { ran_seconds, placed, decisions, evidence, verdict } = result;
  const { records, carrier, refused } = evidence;
  const answered = carrier.filter((call) => call.answered_at_ms !== null).length;
  return [
    row('calls', `${placed} placed, ${records.length} admitted, ${answered} answered, ${refused} refused`),
    row('admissions a second', (records.length / ran_seconds).toFixed(1)),
    row('decision time p50', milliseconds(decisions.percentile_seconds(50))),
    row('decision time p99', milliseconds(decisions.percentile_seconds(99))),
    ...faultLines('drift', verdict.drift),
    ...faultLines('calls lost', verdict.lost),
    ...faultLines('double charges', verdict.doubled),
    ...faultLines('overspend, micros', verdict.overspent),
    ...faultLines('ledger differences', verdict.ledger),
    passed(verdict) ? 'the drill is passed' : 'THE DRILL HAS FAILED',
  ];
}
