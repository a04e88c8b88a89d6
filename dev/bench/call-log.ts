import type { Packet } from './capture.ts';

/** One call as its phone saw it. Times in milliseconds since 1970, with fractions; null: it did not happen. */
interface PhoneCall {
  readonly invited_at_ms: number | null;
  readonly ringing_at_ms: number | null;
  readonly answered_at_ms: number | null;
  /** The phone's own BYE. */
  readonly hungUp_at_ms: number | null;
  readonly closed_at_ms: number | null;
  /** The other side's BYE. */
  readonly cut_at_ms: number | null;
}

/** CSeq and first line of the messages that count: phoneScenario sends its authenticated INVITE with CSeq 2. */
const MOMENTS: readonly (readonly [keyof PhoneCall, RegExp])[] = [
  ['invited_at_ms', /^S 2 INVITE INVITE /],
  ['ringing_at_ms', /^R 2 INVITE SIP\/2\.0 180/],
  ['answered_at_ms', /^R 2 INVITE SIP\/2\.0 200/],
  ['hungUp_at_ms', /^S 3 BYE BYE /],
  ['closed_at_ms', /^R 3 BYE SIP\/2\.0 200/],
  ['cut_at_ms', /^R \d+ BYE BYE /],
];

const NOTHING: PhoneCall = {
  invited_at_ms: null,
  ringing_at_ms: null,
  answered_at_ms: null,
  hungUp_at_ms: null,
  closed_at_ms: null,
  cut_at_ms: null,
};

/** What a run's phones saw. */
export interface CallLog {
  readonly placed: number;
  /** Rang, was answered, and ended by the phone's own BYE. */
  readonly good: number;
  /** Authenticated INVITE → 180 Ringing, of the good ones. */
  readonly delays_ms: readonly number[];
  /** Calls that began to ring a second. */
  readonly calls_per_second: number;
  /** Answer → the other side's BYE, of calls that ended so. */
  readonly until_cut_ms: readonly number[];
}

const header = (payload: string, name: string) =>
  new RegExp(`^${name}:\\s*(.*?)\\r?$`, 'im').exec(payload)?.[1] ?? '';

/** `port`: the phones' own. */
export function readCallLog(packets: readonly Packet[], port: number): CallLog {
  const calls = new Map<string, PhoneCall>();
  for (const { at_ms, from_port, payload } of packets) {
    const call_id = header(payload, 'Call-ID');
    const text = `${from_port === port ? 'S' : 'R'} ${header(payload, 'CSeq')} ${payload}`;
    const call = calls.get(call_id) ?? NOTHING;
    const moment = MOMENTS.find(([, pattern]) => pattern.test(text))?.[0];
    // Of a message that was sent or came twice, the first counts.
    if (moment && call[moment] === null) calls.set(call_id, { ...call, [moment]: at_ms });
  }
  return summary([...calls.values()]);
}

function summary(calls: readonly PhoneCall[]): CallLog {
  const good = calls.filter(({ cut_at_ms, ...own }) => Object.values(own).every((at_ms) => at_ms !== null));
  const rang_ms = good.map((call) => call.ringing_at_ms ?? 0).sort((a, b) => a - b);
  const [first = 0, last = 0] = [rang_ms[0], rang_ms.at(-1)];
  return {
    placed: calls.filter((call) => call.invited_at_ms !== null).length,
    good: good.length,
    delays_ms: good.map((call) => (call.ringing_at_ms ?? 0) - (call.invited_at_ms ?? 0)),
    calls_per_second: (good.length - 1) / ((last - first) / 1_000),
    until_cut_ms: calls.flatMap(({ answered_at_ms, cut_at_ms }) =>
      answered_at_ms === null || cut_at_ms === null ? [] : [cut_at_ms - answered_at_ms],
    ),
  };
}
