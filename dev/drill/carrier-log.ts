import { readFileSync } from 'node:fs';

/** One call as the carrier saw it: what was really talked, whatever we know of it. Milliseconds since 1970. */
export interface CarrierCall {
  /** As it was dialled, without the country. */
  readonly number: string;
  /** When its answer was taken by the switch; null: never. */
  readonly answered_at_ms: number | null;
  /** The BYE of either side; null: none came, as when the switch was killed. */
  readonly ended_at_ms: number | null;
}

const DIALLED = /^INVITE sip:[0-9+]*?([1-9]\d9\d{8})@/;

type Moment = 'answered_at_ms' | 'ended_at_ms';

function momentOf(direction: string, cseq: string, firstLine: string): Moment | null {
  if (direction === 'R' && / ACK$/.test(cseq)) return 'answered_at_ms';
  return /^BYE /.test(firstLine) ? 'ended_at_ms' : null;
}

/**
 * Reads what the carrier's SIPp wrote for -trace_shortmsg: date, time, seconds since 1970, S or R, call id, CSeq and
 * first line, separated by tabs.
 */
export function readCarrierLog(path: string): CarrierCall[] {
  const calls = new Map<string, CarrierCall>();
  const busy = new Set<string>();
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const [, , seconds = '', direction = '', id = '', cseq = '', firstLine = ''] = line.split('\t');
    const number = DIALLED.exec(firstLine)?.[1];
    if (number && !calls.has(id)) calls.set(id, { number, answered_at_ms: null, ended_at_ms: null });
    // What is refused is acknowledged as well.
    if (/^SIP\/2\.0 [4-6]/.test(firstLine)) busy.add(id);
    const call = calls.get(id);
    const moment = momentOf(direction, cseq.trim(), firstLine);
    // Of a message that was sent or came twice, the first counts.
    if (call && moment && call[moment] === null && !busy.has(id))
      calls.set(id, { ...call, [moment]: Number(seconds) * 1_000 });
  }
  return [...calls.values()];
}
