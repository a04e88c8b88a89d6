import type { CarrierCall } from './carrier-log.ts';
import type { Evidence, Lowest, RecordedCall } from './evidence.ts';

/** One of the figures that must be zero, and what makes it more. */
export interface Fault {
  readonly amount: bigint;
  /** Each in words, with the id or the number of the call. */
  readonly named: readonly string[];
}

export interface Verdict {
  readonly drift: Fault;
  readonly lost: Fault;
  readonly doubled: Fault;
  /** In micros. */
  readonly overspent: Fault;
  readonly ledger: Fault;
}

/** Between the switch's clock and moments and those that the carrier saw, on a machine that is busy. */
const TOLERANCE_ms = 1_500;

/** What the switch wrote into its journal so shortly before it was killed may be lost with it, as is its event. */
const UNHEARD_ms = 2_000;

const counted = (named: readonly string[]): Fault => ({ amount: BigInt(named.length), named });

/** Number as the phones dialled it, without the country. */
const dialled = ({ number }: RecordedCall) => number.slice(-11);

function byNumber(records: readonly RecordedCall[]): Map<string, RecordedCall[]> {
  const found = new Map<string, RecordedCall[]>();
  for (const record of records) {
    const number = dialled(record);
    found.set(number, [...(found.get(number) ?? []), record]);
  }
  return found;
}

/** Why what is recorded of a call cannot be what the carrier saw of it; null: it can. */
function misrecorded(
  { answered_at_ms, ended_at_ms }: CarrierCall,
  record: RecordedCall,
  switchEnds_ms: readonly number[],
): string | null {
  // A switch that was killed says no goodbye: such a call is billed to its last proof of life.
  if (answered_at_ms === null || ended_at_ms === null) return null;
  const talked_ms = ended_at_ms - answered_at_ms;
  if (Math.abs(talked_ms - record.talk_ms) <= TOLERANCE_ms) return null;
  const diedUnheard = switchEnds_ms.some((at_ms) => at_ms >= ended_at_ms && at_ms < ended_at_ms + UNHEARD_ms);
  if (diedUnheard && record.end_reason === 'LOST' && record.talk_ms < talked_ms) return null;
  const [seen, kept] = [talked_ms, record.talk_ms].map((ms) => (ms / 1_000).toFixed(1));
  return `talked ${seen} s and is recorded with ${kept} s (${record.end_reason})`;
}

function lostCalls({ carrier, records, switchEnds_ms }: Evidence): Fault {
  const recorded = byNumber(records);
  return counted(
    carrier.flatMap((call) => {
      if (call.answered_at_ms === null) return [];
      const [record] = recorded.get(call.number) ?? [];
      const why = record ? misrecorded(call, record, switchEnds_ms) : 'was answered and has no record';
      return why ? [`${record?.id ?? 'a call'} to ${call.number} ${why}`] : [];
    }),
  );
}

function doubleCharges({ records, charges }: Evidence): Fault {
  const twice = [...byNumber(records)].filter(([, of]) => of.length > 1);
  return counted([
    ...twice.map(
      ([number, of]) => `${number} has ${of.length} records: ${of.map(({ id }) => id).join(', ')}`,
    ),
    ...charges
      .filter(({ movements, parts }) => movements > parts)
      .map(({ call_id, movements }) => `${call_id} was charged ${movements} times`),
  ]);
}

function beyondLimit({ name, lowest_micros, credit_limit_micros }: Lowest): [bigint, string] {
  const beyond = -(lowest_micros + credit_limit_micros);
  return [beyond, `${name} went ${beyond} micros below its limit`];
}

/** What was billed beyond what was granted, by the price of its minutes. */
function beyondGrant(record: RecordedCall): [bigint, string] {
  const beyond = record.billed_seconds - record.granted_seconds;
  const price = record.price_micros_per_minute ?? 0n;
  return [
    (BigInt(Math.max(0, beyond)) * price + 30n) / 60n,
    `${record.id} to ${dialled(record)} was billed ${beyond} s beyond its grant`,
  ];
}

function overspent({ lowest, records }: Evidence): Fault {
  const all = [...lowest.map(beyondLimit), ...records.map(beyondGrant)].filter(([micros]) => micros > 0n);
  return { amount: all.reduce((sum, [micros]) => sum + micros, 0n), named: all.map(([, words]) => words) };
}

function drift({ drift: { differing }, drifted, held }: Evidence): Fault {
  return counted([
    ...drifted.map(
      ({ call_id, seconds }) =>
        `${call_id} was known to Redis or to the switch alone for ${seconds.toFixed(0)} s`,
    ),
    ...differing.map((id) => `${id} is known to Redis or to the switch alone`),
    ...[...held].map(([field, amount]) => `${field} still holds ${amount}`),
  ]);
}

/** Compares what was seen outside with what is kept inside. */
export function judge(evidence: Evidence): Verdict {
  return {
    drift: drift(evidence),
    lost: lostCalls(evidence),
    doubled: doubleCharges(evidence),
    overspent: overspent(evidence),
    ledger: counted(evidence.ledger.map(({ what, id }) => `${what}: ${id}`)),
  };
}

export function passed(verdict: Verdict): boolean {
  return Object.values(verdict).every((fault: Fault) => fault.amount === 0n);
}
