/**
 * What an admitted call is told, as the name of the extension it continues at: one request carries the whole
 * grant, and the channel list of the switch shows it as long as the call lives.
 */
export interface GrantExten {
  /** INBOUND: to a line, from outside. */
  readonly kind: 'TRUNK' | 'LINE' | 'INBOUND';
  /** Endpoint to dial: code of the trunk, or SIP user of the line. */
  readonly endpoint: string;
  readonly number: string;
  /** Talk time after which the switch ends the call by itself, grace included. */
  readonly seconds: number;
  readonly ring_seconds: number;
  readonly caller_id: string;
}

const LETTERS = { TRUNK: 'T', LINE: 'L', INBOUND: 'I' } as const;

/** Longest extension name that Asterisk keeps (AST_MAX_EXTENSION less the end of the string). */
const MAX_LENGTH = 79;

export function formatGrant(grant: GrantExten): string {
  const { kind, endpoint, number, seconds, ring_seconds, caller_id } = grant;
  const exten = [LETTERS[kind], endpoint, number, seconds, ring_seconds, caller_id].join('-');
  if (
    !/^[TLI]-[a-z0-9]+-\+?[0-9]+-[1-9][0-9]*-[1-9][0-9]*-\+?[0-9]*$/.test(exten) ||
    exten.length > MAX_LENGTH
  ) {
    throw new Error(`not a grant that the dialplan understands: ${JSON.stringify(exten)}`);
  }
  return exten;
}

/** null for the name of any other extension. */
export function parseGrant(exten: string): GrantExten | null {
  const match = /^([TLI])-([a-z0-9]+)-(\+?[0-9]+)-([0-9]+)-([0-9]+)-(\+?[0-9]*)$/.exec(exten);
  if (!match) return null;
  const [, letter, endpoint = '', number = '', seconds, ring_seconds, caller_id = ''] = match;
  return {
    kind: letter === 'T' ? 'TRUNK' : letter === 'I' ? 'INBOUND' : 'LINE',
    endpoint,
    number,
    seconds: Number(seconds),
    ring_seconds: Number(ring_seconds),
    caller_id,
  };
}
