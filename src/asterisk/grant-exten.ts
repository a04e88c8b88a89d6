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

/** A grant as it is read from a channel or a record. */
export interface ReadGrant extends GrantExten {
  /** The dialplan gave it by itself, to a trunk and without grace. */
  readonly offline: boolean;
}

/** null for the name of any other extension. */
export function parseGrant(exten: string): ReadGrant | null {
  const match = /^([TPLI])-([a-z0-9]+)-(\+?[0-9]+)-([0-9]+)-([0-9]+)-(\+?[0-9]*)$/.exec(exten);
  if (!match) return null;
  const [, letter, endpoint = '', number = '', seconds, ring_seconds, caller_id = ''] = match;
  return {
    kind: letter === 'L' ? 'LINE' : letter === 'I' ? 'INBOUND' : 'TRUNK',
    offline: letter === 'P',
    endpoint,
    number,
    seconds: Number(seconds),
    ring_seconds: Number(ring_seconds),
    caller_id,
  };
}
