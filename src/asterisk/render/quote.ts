/**
 * The one place that decides what of a value may stand in a file that Asterisk reads. Names are data that customers
 * type: what could hurt in them is replaced, and the row still renders. Everything else (identifiers, hosts, hashes)
 * follows a closed pattern, and a value outside it is refused: half an identifier is nobody's.
 */

/** Which value of which row, for the message about it. */
export interface Place {
  readonly row: string;
  readonly field: string;
}

/** A value that no escaping can make safe or meaningful. The row it belongs to is left out. */
export class UnrenderableValueError extends Error {
  override readonly name = 'UnrenderableValueError';
  readonly place: Place;

  constructor(place: Place, rule: string) {
    super(`${place.row}: ${place.field} ${rule}`);
    this.place = place;
  }
}

/** A value as messages show it: clipped, on one line, and marked as somebody's text. */
export function shown(value: string): string {
  return JSON.stringify(value.length > MESSAGE_CHARS ? `${value.slice(0, MESSAGE_CHARS)}…` : value);
}

/** The closed patterns, as the tables have them too; a secret value is never repeated in a message. */
const KINDS = {
  uuid: { pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, rule: 'is no UUID' },
  sipUsername: { pattern: /^[a-z0-9]{6,32}$/, rule: 'is not 6 to 32 of a-z and 0-9' },
  e164: { pattern: /^\+[1-9][0-9]{7,14}$/, rule: 'is no + and 8 to 15 digits' },
  groupCode: { pattern: /^[a-z0-9]{12}$/, rule: 'is not 12 of a-z and 0-9' },
  destination: { pattern: /^[+]?[0-9]{2,20}$/, rule: 'is not 2 to 20 digits' },
  trunkCode: { pattern: /^[a-z0-9]{1,16}$/, rule: 'is not 1 to 16 of a-z and 0-9' },
  serverName: { pattern: /^[a-z0-9]{1,16}$/, rule: 'is not 1 to 16 of a-z and 0-9' },
  md5: { pattern: /^[0-9a-f]{32}$/, rule: 'is not 32 hexadecimal digits', secret: true },
  accessUser: { pattern: /^[a-z][a-z0-9-]{0,31}$/, rule: 'is not a letter and up to 31 of a-z, 0-9 and -' },
  password: {
    pattern: /^[A-Za-z0-9._~+/-][A-Za-z0-9._~+/=-]{15,127}$/,
    rule: 'is not 16 to 128 letters, digits or ._~+/=-',
    secret: true,
  },
} as const satisfies Record<string, { pattern: RegExp; rule: string; secret?: boolean }>;

export type ValueKind = keyof typeof KINDS;

/** The value itself when it follows the pattern of its kind; refused otherwise. */
export function exact(kind: ValueKind, value: string, place: Place): string {
  const { pattern, rule, ...more } = KINDS[kind];
  if (pattern.test(value)) return value;
  throw new UnrenderableValueError(place, 'secret' in more ? rule : `${rule}: ${shown(value)}`);
}

/** `host:port` as PJSIP writes it: an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number, row: string): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UnrenderableValueError({ row, field: 'port' }, `is not 1 to 65535: ${shown(String(port))}`);
  }
  if (HOST_NAME.test(host)) return `${host}:${port}`;
  if (IPV6.test(host)) return `[${host}]:${port}`;
  throw new UnrenderableValueError(
    { row, field: 'host' },
    `is neither a host name nor an address: ${shown(host)}`,
  );
}

/** `key=value` for pjsip.conf and its kin. Nothing that ends, starts or comments a line gets through. */
export function setting(key: string, value: string, row: string): string {
  if (!INI_UNSAFE.test(value)) return `${key}=${value}`;
  throw new UnrenderableValueError({ row, field: key }, `cannot stand in a setting: ${shown(value)}`);
}

/** A value inside the arguments of a dialplan application: nothing in it is evaluated or separates anything. */
export function dialplanLiteral(value: string, place: Place): string {
  if (DIALPLAN_LITERAL.test(value)) return value;
  throw new UnrenderableValueError(place, `cannot stand in the dialplan: ${shown(value)}`);
}

/** `"name" <number>`; what a name cannot have is replaced, so that no name is refused. */
export function callerId(name: string, number: string): string {
  const display = displayName(name);
  return display === '' ? `<${number}>` : `"${display}" <${number}>`;
}

/** A customer's name as a phone may show it: one line of at most 60 bytes, without a sign that means something. */
export function displayName(name: string): string {
  // Cut first: the rest has nothing to say, however long it is.
  const short = name.slice(0, DISPLAY_NAME_BYTES * 8).normalize('NFC');
  const plain = short.replace(DISPLAY_UNSAFE, ' ').replace(/\s+/gu, ' ').trim();
  let bytes = 0;
  let kept = '';
  for (const character of plain) {
    bytes += Buffer.byteLength(character);
    if (bytes > DISPLAY_NAME_BYTES) break;
    kept += character;
  }
  return kept.trimEnd();
}

const MESSAGE_CHARS = 40;

// Asterisk keeps a caller's name in 80 bytes, quotes included, and cuts in the middle of a character.
const DISPLAY_NAME_BYTES = 60;

// Quotes and brackets end the name, `;` starts a comment, `$` an expression, `#` a directive; control and format
// characters (newlines, text direction) and lone surrogates have no business in a name.
const DISPLAY_UNSAFE = /["<>;\\$[\]{}()#,&|`\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const IPV6 = /^(?=.*:.*:)[0-9A-Fa-f:.]{2,45}$/;

// A leading `>` would turn `=` into `=>`; a space at either end would be lost.
const INI_UNSAFE = /^$|^[#>\s]|\s$|[;\\\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;
const DIALPLAN_LITERAL = /^[A-Za-z0-9+*#_-]+$/;
