import {
  blocked,
  boundsOf,
  FREE,
  type LineFacts,
  type Permission,
  type TrunkFacts,
  type Verdict,
} from './authorize.ts';
import type { DialledDestination } from './dialled-result.ts';
import type { NumberLimits } from './limits.ts';
import type { Refusal } from './refusals.ts';
import type { GroupFacts } from './ring-group.ts';

/** The two directions of a call, as its subscriber sees it. */
export const DIRECTIONS = ['OUT', 'IN'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A number that can be called from outside, as the platform has it. */
export interface NumberFacts extends NumberLimits {
  /** E.164 with `+`. */
  readonly number: string;
  readonly active: boolean;
  readonly reseller_id: string;
  /** null: it is in the reseller's stock. */
  readonly subscriber_id: string | null;
  /** The switch of the subscriber's lines. */
  readonly server_id: string | null;
  /** SIP user of the line that rings; null: none was chosen. */
  readonly sip_username: string | null;
  /** Code of the ring group that rings instead. */
  readonly group_code: string | null;
}

const MOST_CALLER_DIGITS = 16;

/**
 * The E.164 number that a carrier means: with or without `+`, or as it is dialled within Brazil (`1133334444`,
 * `01133334444`). Ten and eleven digits are always Brazilian: who brings numbers of other countries writes them with `+`.
 * null for anything that is no whole number.
 */
export function calledNumber(dialled: string): string | null {
  const text = dialled.replace(/[-. ()]/g, '');
  if (/^\+[1-9]\d{7,14}$/.test(text)) return text;
  const national = /^0?([1-9]\d{9,10})$/.exec(text)?.[1];
  if (national) return `+55${national}`;
  return /^[1-9]\d{11,14}$/.test(text) ? `+${text}` : null;
}

/** What may be shown of the number that a stranger sent: its digits and a leading `+`. '': none, or no number. */
export function callerNumber(sent: string): string {
  const digits = sent.replace(/[^0-9]/g, '');
  if (digits === '' || digits.length > MOST_CALLER_DIGITS) return '';
  return sent.startsWith('+') ? `+${digits}` : digits;
}

/**
 * A call from outside that was let in, whatever became of number and line since. `caller_id`: as `callerNumber`
 * gives it; `limits`: those of the number, if there is one any more.
 */
export function permitInbound(
  number: string,
  line: LineFacts,
  trunk: TrunkFacts,
  caller_id: string,
  limits: NumberLimits | null,
  group: GroupFacts | null,
): Permission {
  const destination: DialledDestination = {
    kind: 'NUMBER',
    class: 'INBOUND',
    number,
    csp: null,
    vcBand: null,
  };
  const route = { kind: 'INBOUND', trunk, sip_username: line.sip_username, group, number } as const;
  return { destination, route, ...FREE, slot: null, ...boundsOf('INBOUND', line, route, limits), caller_id };
}

function refusalOf(number: NumberFacts | null, line: LineFacts | null, server_id: string): Refusal | null {
  if (!number) return { reason: 'UNKNOWN_NUMBER' };
  if (!number.active) return { reason: 'UNKNOWN_NUMBER', detail: 'INACTIVE' };
  if (!number.subscriber_id) return { reason: 'UNKNOWN_NUMBER', detail: 'IN_STOCK' };
  if (!line) return { reason: 'UNKNOWN_NUMBER', detail: 'NO_LINE' };
  if (number.server_id !== server_id) return { reason: 'NO_ROUTE', detail: 'OTHER_SERVER' };
  return blocked(line);
}

/**
 * Whether a call from outside reaches the line of a number: number → line → server → status → limits. Who is suspended
 * or blocked receives nothing, as it calls nobody. Nobody pays: neither balance nor prices are asked for.
 * `line`: the one that the number rings, or that stands for the `group`. Limits are only named here.
 */
export function authorizeInbound(
  caller_id: string,
  number: NumberFacts | null,
  line: LineFacts | null,
  trunk: TrunkFacts | null,
  server_id: string,
  group: GroupFacts | null,
): Verdict {
  const refusal = refusalOf(number, line, server_id) ?? (trunk ? null : { reason: 'NO_ROUTE' as const });
  if (refusal || !number || !line || !trunk)
    return { permitted: false, refusal: refusal ?? { reason: 'NO_ROUTE' }, destination: null };
  const permission = permitInbound(number.number, line, trunk, caller_id, number, group);
  return { permitted: true, permission };
}
