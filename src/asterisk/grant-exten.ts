/**
 * What an admitted call is told, as the name of the extension it continues at: one request carries the whole
 * grant, and the channel list of the switch shows it as long as the call lives.
 */
export interface GrantExten {
  /** INBOUND: to a line, from outside; the same of ring groups. */
  readonly kind: 'TRUNK' | 'LINE' | 'INBOUND' | 'GROUP' | 'INBOUND_GROUP';
  /** Endpoint to dial: code of the trunk, SIP user of the line, or code of the ring group. */
  readonly endpoint: string;
  readonly number: string;
  /** Talk time after which the switch ends the call by itself, grace included. */
  readonly seconds: number;
  readonly ring_seconds: number;
  readonly caller_id: string;
  /** Of a ring group: a digit for each member, 1 for one that does not ring. */
  readonly left_out: string;
}

const LETTERS = { TRUNK: 'T', LINE: 'L', INBOUND: 'I', GROUP: 'G', INBOUND_GROUP: 'R' } as const;
const KINDS = { T: 'TRUNK', L: 'LINE', I: 'INBOUND', G: 'GROUP', R: 'INBOUND_GROUP' } as const;

/** Longest extension name that Asterisk keeps (AST_MAX_EXTENSION less the end of the string). */
const MAX_LENGTH = 79;

export function formatGrant(grant: GrantExten): string {
  const { kind, endpoint, number, seconds, ring_seconds, caller_id } = grant;
  const group = kind === 'GROUP' || kind === 'INBOUND_GROUP' ? [grant.left_out] : [];
  const exten = [LETTERS[kind], endpoint, number, seconds, ring_seconds, caller_id, ...group].join('-');
  if (
    !/^[TLIGR]-[a-z0-9]+-\+?[0-9]+-[1-9][0-9]*-[1-9][0-9]*-\+?[0-9]*(?:-[01]*)?$/.test(exten) ||
    exten.length > MAX_LENGTH
  ) {
    throw new Error(`not a grant that the dialplan understands: ${JSON.stringify(exten)}`);
  }
  return exten;
}

/** null for the name of any other extension. */
export function parseGrant(exten: string): GrantExten | null {
  const match = /^([TLIGR])-([a-z0-9]+)-(\+?[0-9]+)-([0-9]+)-([0-9]+)-(\+?[0-9]*)(?:-([01]*))?$/.exec(exten);
  if (!match) return null;
  const [, letter, endpoint = '', number = '', seconds, ring_seconds, caller_id = '', left_out = ''] = match;
  return {
    kind: KINDS[letter as keyof typeof KINDS],
    endpoint,
    number,
    seconds: Number(seconds),
    ring_seconds: Number(ring_seconds),
    caller_id,
    left_out,
  };
}
