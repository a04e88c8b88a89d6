import type { BegunRow, JournalRow } from './ami/actions.ts';

/** Why the dialplan refused a call by itself: its line may not, its number or class may not, or too much runs or ran. */
const REFUSED_FOR = ['LINE', 'NUMBER', 'CLASS', 'CALLS', 'BUDGET'] as const;
export type RefusedFor = (typeof REFUSED_FOR)[number];

interface Written {
  readonly call_id: string;
  readonly bucket: string;
  readonly sip_username: string;
  readonly ended_at_ms: number;
}

/** What the switch itself wrote down about a call as it ended, whoever was listening. */
export interface JournalEntry extends Written {
  /** OFFLINE: by the dialplan alone, because nobody decided; such a call may be unanswered, the others are not. */
  readonly kind: 'GRANTED' | 'EMERGENCY' | 'OFFLINE';
  /** Name of the extension that the call was continued at, which says what was granted. */
  readonly exten: string;
  readonly talk_ms: number;
  readonly q850: number;
  /** The call that was sent on by this one. */
  readonly forwarded_from: string | null;
  /** SIP user of the line that answered, or that sent it on to who did; of a call out, the trunk. */
  readonly answered_by: string | null;
}

/** A call that the dialplan refused when nobody decided. */
export interface OfflineRefusal extends Written {
  readonly kind: 'REFUSED';
  /** Digits and signs of what was dialled. */
  readonly dialled: string;
  readonly why: RefusedFor;
}

const KINDS: Readonly<Record<string, JournalEntry['kind']>> = { G: 'GRANTED', E: 'EMERGENCY', O: 'OFFLINE' };

/** A row as the dialplan wrote it, or null when it is of another make. Never throws. */
export function parseJournal({ bucket, call_id, value }: JournalRow): JournalEntry | OfflineRefusal | null {
  const [version, letter = '', sip_username, exten, talk, ended, end, from, by] = value.trim().split('|');
  const [talk_ms, ended_at_ms] = [Number(talk), Number(ended)];
  if (version !== 'v1' || !sip_username || exten === undefined) return null;
  if (!Number.isInteger(talk_ms) || !Number.isInteger(ended_at_ms)) return null;
  const written = { call_id, bucket, sip_username, ended_at_ms };
  const why = REFUSED_FOR.find((word) => word === end);
  if (letter === 'X') return why ? { ...written, kind: 'REFUSED', dialled: exten, why } : null;
  const kind = KINDS[letter];
  if (!kind) return null;
  const known = { ...written, kind, exten, talk_ms, q850: Number(end) || 0 };
  return { ...known, forwarded_from: from || null, answered_by: by || null };
}

/** A call that was answered, as the dialplan wrote it down at that moment. */
export interface BegunCall extends Pick<JournalEntry, 'call_id' | 'sip_username' | 'exten'> {
  readonly answered_at_ms: number;
}

/** null for a row of another make. Never throws. */
export function parseBegun({ call_id, value }: BegunRow): BegunCall | null {
  const [version, sip_username, exten, answered] = value.trim().split('|');
  const answered_at_ms = Number(answered || Number.NaN);
  if (version !== 'v1' || !sip_username || !exten || !Number.isInteger(answered_at_ms)) return null;
  return { call_id, sip_username, exten, answered_at_ms };
}
