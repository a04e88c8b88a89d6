import { AREA_CODES } from '../../domain/area-codes.ts';
import type { OfflinePolicy } from '../../domain/offline.ts';
import { grantedToTrunk, OUT_OF_ORDER } from './calls.ts';
import { orProblem, sortedBy } from './check-rows.ts';
import { offlineJournal, refusalJournal } from './offline-journal.ts';
import { dialplanLiteral, exact } from './quote.ts';
import type { LineRow } from './rows.ts';

/*
 * Calls that cost money while the control plane is away (R12). What was dialled is read from the channel, because a
 * time-out has changed its extension; it counts only when it is nothing but digits. From there on the way is: line →
 * national number → class → budget → trunk. Whatever does not fit leaves it, and is refused with a record.
 */

const RING_SECONDS = 60;
const DIALLED = `\${CALLERID(dnid)}`;
const DIALLED_DIGITS = 32;
const LOCKED = `\${LOCK(pabx-\${PABX_PAYER})}`;
const UNLOCKED = `\${UNLOCK(pabx-\${PABX_PAYER})}`;
/** Seconds that the payer's calls have reserved since the control plane was there. */
const SPENT = `DB(pabx-offline/\${PABX_PAYER})`;
/** There as long as this call's part of it counts: the control plane takes all of them away together. */
const RESERVED = `DB(pabx-offline/\${PABX_PAYER}/\${UNIQUEID})`;

/** Why the dialplan refuses a call by itself. */
type Why = 'LINE' | 'NUMBER' | 'CLASS' | 'CALLS' | 'BUDGET';

const refuse = (why: Why) => `pabx-offline-refused,${why},1`;

/** The contexts shared by all lines; `trunks` are the codes of the server's trunks in order of priority. */
export function renderOffline(trunks: readonly string[]): string[] {
  return [...entry(), ...dialled(), ...national(), ...decided(trunks[0]), ...outbound(), ...refused()];
}

function entry(): string[] {
  const digits = `\${FILTER(0-9+,${DIALLED})}`;
  return [
    '; Nobody decides about a call that may cost money.',
    '[pabx-offline]',
    'exten => s,1,Set(TIMEOUT(absolute)=0)',
    ` same => n,Set(PABX_DIALLED=${digits})`,
    ` same => n,GotoIf($[\${LEN(\${PABX_DIALLED})} != \${LEN(${DIALLED})}]?${refuse('NUMBER')})`,
    ` same => n,Goto(pabx-offline-lines,\${CHANNEL(endpoint)},1)`,
  ];
}

/** As `classifyDialled` reads national numbers; what belongs to nobody, or costs more than it seems to, has no row. */
function dialled(): string[] {
  const means = (pattern: string, national: string) =>
    `exten => ${pattern},1,Goto(pabx-offline-national,${national},1)`;
  const nationwide = ['[34]00X', '4020', '4370', '4864'].map(
    (code) => `exten => _${code}XXXX,1,Goto(${refuse('CLASS')})`,
  );
  const withArea = (before: string, digits: number) =>
    ['ZXXXXXXXXX', 'ZXXXXXXXXXX'].map((number) =>
      means(`_${before}${number}`, digits === 0 ? `\${EXTEN}` : `\${EXTEN:${digits}}`),
    );
  return [
    '[pabx-offline-dialled]',
    ...nationwide,
    means('_XXXXXXXX', `\${PABX_AREA}\${EXTEN}`),
    means('_XXXXXXXXX', `\${PABX_AREA}\${EXTEN}`),
    ...withArea('', 0),
    ...withArea('0', 1),
    ...withArea('0ZX', 3),
    ...withArea('55', 2),
    ...withArea('+55', 3),
    ...withArea('0055', 4),
    `exten => i,1,Goto(${refuse('CLASS')})`,
  ];
}

/** Area and number. The areas of one first digit share a row. */
function national(): string[] {
  const byFirst = Map.groupBy(AREA_CODES, (area) => area.slice(0, 1));
  const areas = [...byFirst].map(
    ([first, codes]) => `${first}[${codes.map((code) => code.slice(1)).join('')}]`,
  );
  const decide = (kind: 'FIXED' | 'MOBILE') => [
    `,1,Set(PABX_KIND=${kind})`,
    ` same => n,Goto(pabx-offline-decided,\${EXTEN},1)`,
  ];
  const rows = (pattern: string, [first = '', ...rest]: readonly string[]) => [
    `exten => _${pattern}${first}`,
    ...rest,
  ];
  const ninth = `\${EXTEN:0:2}9\${EXTEN:2}`;
  return [
    '[pabx-offline-national]',
    ...areas.flatMap((area) => [
      ...rows(`${area}[2-5]XXXXXXX`, decide('FIXED')),
      ...rows(`${area}7XXXXXXX`, decide('MOBILE')),
      ...rows(`${area}9[1-9]XXXXXXX`, decide('MOBILE')),
      `exten => _${area}[689]XXXXXXX,1,GotoIf($[\${PABX_NINTH}]?pabx-offline-national,${ninth},1:${refuse('CLASS')})`,
    ]),
    `exten => i,1,Goto(${refuse('CLASS')})`,
  ];
}

/**
 * Whether a class may be called, and of the budget as much as the longest call. One of a payer's calls after the other:
 * what is checked under the lock still holds when it is taken.
 */
function decided(trunk: string | undefined): string[] {
  const grant = `P-${trunk}-+55\${EXTEN}-\${PABX_SECONDS}-${RING_SECONDS}-\${PABX_CALLER}`;
  return [
    '[pabx-offline-decided]',
    `exten => _X.,1,Set(PABX_CLASS=\${PABX_KIND}_\${IF($["\${EXTEN:0:2}" = "\${PABX_AREA}"]?LOCAL:LDN)})`,
    ` same => n,GotoIf($[\${REGEX("\${PABX_CLASS}" \${PABX_CLASSES})} = 0]?${refuse('CLASS')})`,
    ` same => n,GotoIf($[${LOCKED} = 0]?${refuse('CALLS')})`,
    ` same => n,GotoIf($[\${GROUP_COUNT(\${PABX_PAYER}@pabx-offline)} >= \${PABX_CALLS}]?${refuse('CALLS')})`,
    ` same => n,Set(PABX_LEFT=$[\${PABX_BUDGET} - 0\${${SPENT}}])`,
    ` same => n,GotoIf($[\${PABX_LEFT} < 1]?${refuse('BUDGET')})`,
    ` same => n,Set(PABX_SECONDS=\${IF($[\${PABX_LEFT} < \${PABX_LONGEST}]?\${PABX_LEFT}:\${PABX_LONGEST})})`,
    ` same => n,Set(GROUP(pabx-offline)=\${PABX_PAYER})`,
    ` same => n,Set(${SPENT}=$[\${PABX_BUDGET} - \${PABX_LEFT} + \${PABX_SECONDS}])`,
    ` same => n,Set(${RESERVED}=\${PABX_SECONDS})`,
    ` same => n,Set(PABX_UNLOCKED=${UNLOCKED})`,
    ` same => n,Goto(${trunk === undefined ? refuse('LINE') : `pabx-offline-outbound,${grant},1`})`,
  ];
}

/** As a granted call, but paid out of the budget: what it did not talk goes back there. */
function outbound(): string[] {
  const talked = `(0\${ANSWEREDTIME} + (0\${ANSWEREDTIME_MS} > 0))`;
  const unused = `(\${PABX_SECONDS} - ${talked})`;
  return [
    '; P-<trunk>-<number>-<seconds>-<ring seconds>-<caller id or nothing>',
    '[pabx-offline-outbound]',
    ...grantedToTrunk('P', 'pabx-answered'),
    `exten => i,1,Hangup(${OUT_OF_ORDER})`,
    ...offlineJournal(),
    ` same => n,Set(PABX_LOCKED=${LOCKED})`,
    ` same => n,GotoIf($[\${${RESERVED.replace('DB(', 'DB_EXISTS(')}} = 0]?settled)`,
    ` same => n,Set(${SPENT}=$[0\${${SPENT}} - \${IF($[${unused} > 0]?$[${unused}]:0)}])`,
    ` same => n,Set(PABX_GONE=\${${RESERVED.replace('DB(', 'DB_DELETE(')}})`,
    ` same => n(settled),Set(PABX_UNLOCKED=${UNLOCKED})`,
  ];
}

function refused(): string[] {
  const digits = `\${FILTER(0-9+*#,${DIALLED}):0:${DIALLED_DIGITS}}`;
  return [
    '; Why, in one word. The control plane makes a record of it when it is back.',
    '[pabx-offline-refused]',
    'exten => _[A-Z][A-Z].,1,NoOp()',
    ...refusalJournal(`\${EXTEN}`, digits),
    ` same => n,Hangup(${OUT_OF_ORDER})`,
  ];
}

/** Every line that may call for money while nobody decides; all others are refused. */
export function renderOfflineLines(lines: readonly LineRow[], problems: string[]): string[] {
  const allowed = sortedBy(lines, ({ sip_username }) => sip_username);
  return [
    '; Lines that may call for money when nobody decides, and within what.',
    '[pabx-offline-lines]',
    ...allowed.flatMap(
      (line) => orProblem(() => (line.offline ? policyOf(line, line.offline) : []), problems) ?? [],
    ),
    `exten => i,1,Goto(${refuse('LINE')})`,
  ];
}

function policyOf({ sip_username, subscriber_id }: LineRow, policy: OfflinePolicy): string[] {
  const row = `line ${sip_username}`;
  const literal = (field: keyof OfflinePolicy) =>
    dialplanLiteral(String(policy[field]), { row, field: `offline.${field}` });
  const caller =
    policy.caller_id === null ? '' : exact('e164', policy.caller_id, { row, field: 'offline.caller_id' });
  const values = {
    PAYER: dialplanLiteral(subscriber_id, { row, field: 'subscriber_id' }),
    AREA: literal('area_code'),
    NINTH: policy.auto_ninth_digit ? '1' : '0',
    CLASSES: policy.classes.map((name) => dialplanLiteral(name, { row, field: 'offline.classes' })).join('/'),
    LONGEST: literal('call_seconds'),
    CALLS: literal('calls'),
    BUDGET: literal('budget_seconds'),
    CALLER: caller,
  };
  const [first = '', ...rest] = Object.entries(values).map(([name, value]) => `Set(PABX_${name}=${value})`);
  return [
    `exten => ${sip_username},1,${first}`,
    ...rest.map((set) => ` same => n,${set}`),
    ` same => n,Goto(pabx-offline-dialled,\${PABX_DIALLED},1)`,
  ];
}
