import type { JournalRow } from './ami/actions.ts';

/** What the switch itself wrote down about an answered call as it ended, whoever was listening. */
export interface JournalEntry {
  readonly call_id: string;
  readonly bucket: string;
  readonly kind: 'GRANTED' | 'EMERGENCY' | 'OFFLINE';
  readonly sip_username: string;
  /** Name of the extension that the call was continued at, which says what was granted. */
  readonly exten: string;
  readonly talk_ms: number;
  readonly ended_at_ms: number;
  readonly q850: number;
  /** The call that was sent on by this one. */
  readonly forwarded_from: string | null;
  /** SIP user of the line that answered, or that sent it on to who did; of a call out, the trunk. */
  readonly answered_by: string | null;
}

const KINDS: Readonly<Record<string, JournalEntry['kind']>> = { G: 'GRANTED', E: 'EMERGENCY', O: 'OFFLINE' };

/** A row as the dialplan wrote it, or null when it is of another make. Never throws. */
export function parseJournal({ bucket, call_id, value }: JournalRow): JournalEntry | null {
  const [version, letter = '', sip_username, exten, talk, ended, q850, from, by] = value.trim().split('|');
  const kind = KINDS[letter];
  const [talk_ms, ended_at_ms] = [Number(talk), Number(ended)];
  if (version !== 'v1' || !kind || !sip_username || exten === undefined) return null;
  if (!Number.isInteger(talk_ms) || !Number.isInteger(ended_at_ms)) return null;
  const known = { call_id, bucket, kind, sip_username, exten, talk_ms, ended_at_ms };
  return { ...known, q850: Number(q850) || 0, forwarded_from: from || null, answered_by: by || null };
}
