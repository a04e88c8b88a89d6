import { EMERGENCY_NUMBERS } from '../../domain/short-codes.ts';
import { sortedBy } from './check-rows.ts';
import { BY, begun, journal, NOW_MS, renderLegEnds } from './journal.ts';
import { offlineJournal } from './offline-journal.ts';
import { dialplanLiteral } from './quote.ts';
import type { GroupRow, NumberRow } from './rows.ts';
import { renderTransfers } from './transfers.ts';

/*
 * The dialplan that all calls of a server share. A context tells what kind of call a channel carries, and the
 * extension in it carries the whole grant, so that a list of channels is enough to rebuild what is going on.
 *
 * The dialled string is a stranger's text. It is matched, and the control plane reads it from the event; no
 * application gets it as an argument before the control plane has given a number of its own instead.
 */

/** How long a caller waits for the control plane before it counts as gone. */
const DECISION_SECONDS = 5;
const EMERGENCY_SECONDS = 7200;
const OFFLINE_INTERNAL_SECONDS = 14_400;
const EMERGENCY_RING_SECONDS = 120;
const OFFLINE_INTERNAL_RING_SECONDS = 60;
/** Longer ones are no numbers; the name of an extension has room for so many. */
const CALLER_DIGITS = 16;

// Q.850 causes: each is a SIP answer of its own.
const UNALLOCATED = 1;
const NO_ANSWER = 19;
const SUBSCRIBER_ABSENT = 20;
const NO_CIRCUIT = 34;
export const OUT_OF_ORDER = 38;

/** The contexts shared by all calls; `trunks` are the codes of the server's trunks in order of priority. */
export function renderCalls(
  trunks: readonly string[],
  numbers: readonly NumberRow[],
  groups: readonly GroupRow[],
): string[] {
  const codes = trunks.map((code) => dialplanLiteral(code, { row: 'trunk', field: 'code' }));
  return [
    ...emergency(codes),
    ...internal(),
    ...outbound(),
    ...grant(),
    ...answered(),
    ...renderTransfers(),
    ...refused(),
    ...fromTrunk(),
    ...offlineNumbers(numbers, groups),
  ];
}

function emergency(trunks: readonly string[]): string[] {
  const [first] = trunks;
  const reach = (number: string) =>
    first === undefined ? `Hangup(${NO_CIRCUIT})` : `Goto(pabx-emergency-call,E-${first}-${number},1)`;
  return [
    '; Never asks anybody: works without the control plane, and is never refused. Some phones dial all numbers as E.164.',
    '[pabx-emergency]',
    ...EMERGENCY_NUMBERS.flatMap((number) =>
      ['', '+55', '0055'].map((before) => `exten => ${before}${number},1,${reach(number)}`),
    ),
    '; E-<trunk>-<number>',
    '[pabx-emergency-call]',
    ...trunks.flatMap((trunk, index) => emergencyByTrunk(trunk, trunks[index + 1])),
    ...journal('E'),
  ];
}

function emergencyByTrunk(trunk: string, next: string | undefined): string[] {
  const number = `\${EXTEN:${`E-${trunk}-`.length}}`;
  const options = `giU(pabx-answered^${EMERGENCY_SECONDS})`;
  return [
    `exten => _E-${spelled(trunk)}-X.,1,Set(TIMEOUT(absolute)=${EMERGENCY_SECONDS})`,
    ...identified,
    ` same => n,Dial(PJSIP/${number}@${trunk},${EMERGENCY_RING_SECONDS},${options})`,
    ...(next === undefined
      ? []
      : [` same => n,GotoIf($[${TRUNK_FAILED}]?pabx-emergency-call,E-${next}-${number},1)`]),
    ...ended,
  ];
}

function internal(): string[] {
  return [
    '; Between lines of one subscriber. PABX_OFFLINE says whom to ring when nobody decides.',
    '[pabx-internal]',
    `exten => _X.,1,Set(TIMEOUT(absolute)=${DECISION_SECONDS})`,
    ' same => n,Stasis(pabx)',
    ` same => n,Goto(pabx-offline-internal,\${PABX_OFFLINE},1)`,
    `exten => T,1,Goto(pabx-offline-internal,\${PABX_OFFLINE},1)`,
    '; L-<sip user name>-<extension>',
    '[pabx-offline-internal]',
    'exten => _L-.,1,Set(TIMEOUT(absolute)=0)',
    ...identified,
    ` same => n,Dial(PJSIP/\${CUT(EXTEN,-,2)},${OFFLINE_INTERNAL_RING_SECONDS},giU(pabx-answered^${OFFLINE_INTERNAL_SECONDS}))`,
    ...lineEnded,
    '; G-<code of the ring group>-<extension>',
    `exten => _G-.,1,Goto(pabx-grant,G-\${CUT(EXTEN,-,2)}-\${CUT(EXTEN,-,3)}-${OFFLINE_INTERNAL_SECONDS}-${OFFLINE_INTERNAL_RING_SECONDS}--,1)`,
    ...offlineJournal(),
  ];
}

function outbound(): string[] {
  const undecided = 'Goto(pabx-offline,s,1)';
  const decide = (pattern: string) => [
    `exten => ${pattern},1,Set(TIMEOUT(absolute)=${DECISION_SECONDS})`,
    ' same => n,Stasis(pabx)',
    ` same => n,${undecided}`,
  ];
  return [
    '; Everything else that can be dialled, garbage too: refusing it is the control plane’s, which keeps a record.',
    '; One letter alone is no pattern here, because h, i, t and T are signals of the dialplan itself.',
    '[pabx-outbound]',
    ...decide('_[+0-9*#]'),
    ...decide('_[!-~].'),
    `exten => T,1,${undecided}`,
  ];
}

function grant(): string[] {
  return [
    '; T-<trunk>-<number>-<seconds>-<ring seconds>-<caller id or nothing>, or L-<sip user name>-…, or from outside I-<sip user name>-…',
    '; The same of ring groups: G-<code>-…-<a digit for each member, 1: it does not ring>, or from outside R-<code>-…',
    '; A grant that does not read so is refused: no limit must never be what a fault grants.',
    '[pabx-grant]',
    ...grantedToTrunk('T', 'pabx-paid'),
    ...granted('L', [], rungAndSentOn),
    ...granted('I', unnamed, rungAndSentOn),
    ...granted('G', [], groupRung),
    ...granted('R', unnamed, groupRung),
    `exten => i,1,Hangup(${OUT_OF_ORDER})`,
    ...journal('G'),
  ];
}

/** Carriers in Brazil want digits without the plus sign, and have no business with the name of a line. */
export function grantedToTrunk(kind: 'T' | 'P', leg: string): string[] {
  const trunk = `PJSIP/\${FILTER(0-9,\${CUT(EXTEN,-,3)})}@\${CUT(EXTEN,-,2)}`;
  return granted(kind, [NO_NAME], [dial(trunk, RING_SECONDS, '', leg), ...ended]);
}

function granted(
  kind: 'T' | 'P' | 'L' | 'I' | 'G' | 'R',
  before: readonly string[],
  dialled: readonly string[],
): string[] {
  const wellFormed = `^${kind}-[a-z0-9]+-[+]?[0-9]+-[1-9]${'[0-9]?'.repeat(4)}-[1-9]${'[0-9]?'.repeat(2)}-[+]?[0-9]*${kind === 'G' || kind === 'R' ? '-[01]*' : ''}$`;
  return [
    `exten => _${kind}-.,1,GotoIf($[\${REGEX("${wellFormed}" \${EXTEN})}]?granted)`,
    ` same => n,Hangup(${OUT_OF_ORDER})`,
    ` same => n(granted),Set(TIMEOUT(absolute)=0)`,
    ...identified,
    ...before,
    ` same => n,ExecIf($["\${CUT(EXTEN,-,6)}" != ""]?Set(CALLERID(num)=\${CUT(EXTEN,-,6)}))`,
    ...dialled,
  ];
}

function answered(): string[] {
  const leg = (more: readonly string[]) => [
    `exten => s,1,Set(TIMEOUT(absolute)=\${ARG1})`,
    ` same => n,Set(PABX_ANSWERED=${NOW_MS})`,
    begun,
    ...more,
    ' same => n,Return()',
  ];
  const endingAt = (context: string) => [` same => n,Set(CHANNEL(hangup_handler_push)=${context},s,1)`];
  return [
    '; On the callee’s leg before the two are bridged: from here Asterisk itself ends the call in time.',
    '[pabx-answered]',
    ...leg([]),
    '[pabx-paid]',
    ...leg(endingAt('pabx-paid-ended')),
    '[pabx-inside]',
    ...leg(endingAt('pabx-inside-ended')),
    ...renderLegEnds(),
  ];
}

function refused(): string[] {
  return [
    '; R-<q850>',
    '[pabx-refused]',
    ...['[1-9]', '[1-9]X', '1XX'].map((cause) => `exten => _R-${cause},1,Hangup(\${EXTEN:2})`),
    `exten => i,1,Hangup(${OUT_OF_ORDER})`,
  ];
}

function fromTrunk(): string[] {
  return [
    '; From outside. What was dialled and who says to call are a stranger’s text: only their digits go on.',
    '[from-trunk]',
    ...arriving('_[+0-9*#]'),
    ...arriving('_[!-~].'),
    `exten => T,1,Goto(pabx-offline-inbound,\${PABX_DIALLED},1)`,
  ];
}

function arriving(pattern: string): string[] {
  return [
    `exten => ${pattern},1,Set(PABX_DIALLED=D\${FILTER(0-9+,\${EXTEN})})`,
    ` same => n,Set(TIMEOUT(absolute)=${DECISION_SECONDS})`,
    ' same => n,Stasis(pabx)',
    ` same => n,Goto(pabx-offline-inbound,\${PABX_DIALLED},1)`,
  ];
}

/** A call from outside costs nothing: when nobody decides, its line rings. As `calledNumber` reads what carriers send. */
function offlineNumbers(numbers: readonly NumberRow[], groups: readonly GroupRow[]): string[] {
  const meant = (pattern: string, number: string) =>
    `exten => ${pattern},1,Goto(pabx-offline-number,${number},1)`;
  const caller = `\${FILTER(+,\${CALLERID(num):0:1})}\${FILTER(0-9,\${CALLERID(num)}):0:${CALLER_DIGITS}}`;
  const ring = (grant: string, last: string) =>
    `Goto(pabx-grant,${grant}-${OFFLINE_INTERNAL_SECONDS}-${OFFLINE_INTERNAL_RING_SECONDS}-${last},1)`;
  return [
    '; When nobody decides about a call from outside, it rings the line of its number.',
    '; D<number as it was dialled>',
    '[pabx-offline-inbound]',
    meant('_D+X.', `\${EXTEN:1}`),
    ...['_DZXXXXXXXXX', '_DZXXXXXXXXXX'].map((pattern) => meant(pattern, `+55\${EXTEN:1}`)),
    ...['_D0ZXXXXXXXXX', '_D0ZXXXXXXXXXX'].map((pattern) => meant(pattern, `+55\${EXTEN:2}`)),
    meant('_DZXXXXXXXXXX.', `+\${EXTEN:1}`),
    `exten => i,1,Hangup(${UNALLOCATED})`,
    '[pabx-offline-number]',
    ...sortedBy(numbers, ({ number }) => number).map(
      ({ number, sip_username }) => `exten => ${number},1,${ring(`I-${sip_username}-${number}`, caller)}`,
    ),
    ...sortedBy(groups, ({ code }) => code).flatMap(({ code, numbers }) =>
      numbers.map((number) => `exten => ${number},1,${ring(`R-${code}-${number}`, `${caller}-`)}`),
    ),
    `exten => i,1,Hangup(${UNALLOCATED})`,
  ];
}

const RING_SECONDS = `\${CUT(EXTEN,-,5)}`;

const dial = (destination: string, ring_seconds = RING_SECONDS, label = '', leg = 'pabx-inside') =>
  ` same => n${label},Dial(${destination},${ring_seconds},giU(${leg}^\${CUT(EXTEN,-,4)}))`;

/**
 * `h` has an EXTEN of its own. The callee inherits whose call it is, what was granted to it and by whom: after a transfer it
 * may be the last to tell.
 */
const identified = [
  ` same => n,MSet(_PABX_CALL=\${UNIQUEID},_PABX_GRANT=\${EXTEN},_PABX_BY=${BY},_PABX_FORWARDED_FROM=\${PABX_FORWARDED_FROM})`,
];

const NO_NAME = ' same => n,Set(CALLERID(name)=)';

/** Nothing that a stranger says of himself reaches a phone but the digits that the grant has; an address needs a user. */
const unnamed = [NO_NAME, ' same => n,Set(CALLERID(num)=anonymous)'];

/**
 * The cause that the other side gave goes back to the caller. Nobody gives one when it rang in vain or when a
 * redirection was ignored (0), or that redirection itself (23), which the caller's phone must not follow.
 */
const ended = [
  ` same => n,ExecIf($["\${DIALSTATUS}" = "NOANSWER"]?Hangup(${NO_ANSWER}))`,
  ` same => n,ExecIf($["\${DIALSTATUS}" != "ANSWER" & ("\${HANGUPCAUSE}" = "0" | "\${HANGUPCAUSE}" = "23")]?Hangup(${SUBSCRIBER_ABSENT}))`,
  ` same => n,Hangup(\${HANGUPCAUSE})`,
];

/** A phone that is not registered is 'no route' (3) to Dial: 404, as if its number did not exist. */
const lineEnded = [` same => n,ExecIf($["\${HANGUPCAUSE}" = "3"]?Hangup(${SUBSCRIBER_ABSENT}))`, ...ended];

const LINE = `\${PABX_LINE}`;

/** Rings the phone of a line and goes on to where the line sends its calls: at once, or after an end that it names. */
const ringLine = [
  ` same => n,Set(PABX_RING=${RING_SECONDS})`,
  ` same => n,Gosub(pabx-forwards,${LINE},1)`,
  ` same => n,GotoIf($["\${PABX_TO}" != ""]?sent)`,
  dial(`PJSIP/${LINE}`, `\${PABX_RING}`),
  ` same => n,Set(PABX_TO=\${PABX_TO_\${DIALSTATUS}})`,
  ` same => n,ExecIf($["\${PABX_TO}" = "" & "\${HANGUPCAUSE}" = "3"]?Hangup(${SUBSCRIBER_ABSENT}))`,
  ` same => n,GotoIf($["\${PABX_TO}" = ""]?over)`,
  dial(`Local/${LINE}-\${PABX_TO}@pabx-forward/n`, RING_SECONDS, '(sent)'),
  ' same => n(over),NoOp()',
  ...ended,
];

const rungAndSentOn = [` same => n,Set(PABX_LINE=\${CUT(EXTEN,-,2)})`, ...ringLine];

/** Rings the phones of a group step by step, and then the line that comes after them, as if that had been called. */
const groupRung = [
  ` same => n,Set(PABX_LEFT_OUT=\${CUT(EXTEN,-,7)})`,
  ` same => n,Gosub(pabx-groups,\${CUT(EXTEN,-,2)},1)`,
  ` same => n(step),GotoIf($["\${PABX_PHONES}" = ""]?overflow)`,
  ` same => n,Set(PABX_STEP=\${CUT(PABX_PHONES,-,1)})`,
  ` same => n,Set(PABX_PHONES=\${PABX_PHONES:$[\${LEN(\${PABX_STEP})} + 1]})`,
  dial(`\${PABX_STEP}`, `\${PABX_RING}`),
  ` same => n,GotoIf($["\${DIALSTATUS}" = "ANSWER"]?over:step)`,
  ` same => n(overflow),GotoIf($["${LINE}" = ""]?over)`,
  ...ringLine,
];

const TRUNK_FAILED = `"\${DIALSTATUS}" = "CHANUNAVAIL" | "\${DIALSTATUS}" = "CONGESTION"`;

/** A literal inside a pattern: N, X and Z mean digits there, in either case. */
function spelled(literal: string): string {
  return literal.replace(/[nxz]/gi, '[$&]');
}
