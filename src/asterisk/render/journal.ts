/*
 * The switch's own records of answered calls, in the AstDB, from which the control plane settles what it missed. As a call
 * is answered it is written down as begun; as it ends that row gives way to one about the whole call, written on the leg
 * that the call lasts as long as: the called leg when somebody pays for it, because a transfer may take its caller away;
 * else the caller's. A call that began and has no end ran until its switch died. Keys of ends have the time, in steps of
 * 100 s, so that what was read can be deleted by the bucket.
 */

export const NOW_MS = `\${STRFTIME(,,%s%3q)}`;

/** The endpoint that a channel came by, or for which a transferred one goes on: `PJSIP/<endpoint>-…`, `Local/<endpoint>-…`. */
export const BY = `\${CUT(CUT(CHANNEL(name),/,2),-,1)}`;

/** On the called leg, which has inherited whose call it is. */
export const begun = ` same => n,Set(DB(pabx-begun/\${PABX_CALL})=v1|\${PABX_BY}|\${PABX_GRANT}|\${PABX_ANSWERED})`;

/** As the caller's, of the leg that was dialled last. */
const ANSWERING_LINE = `\${CUT(CUT(DIALEDPEERNAME,/,2),-,1)}`;

type Kind = 'G' | 'E' | 'O' | 'X';

const row = (call: string, fields: readonly string[]) =>
  `Set(DB(pabx/\${EPOCH:0:-2}/${call})=v1|${fields.join('|')})`;

/** About a call that was never let go: `exten` is what was dialled, `end` why it was refused. */
export function writeRefused(exten: string, end: string): string {
  const kind: Kind = 'X';
  return row(`\${UNIQUEID}`, [kind, BY, exten, '0', NOW_MS, end]);
}

/** The row about an answered call, which takes the place of that about its beginning. */
function ended(
  kind: Exclude<Kind, 'X'>,
  talk_ms: string,
  answered_by: string,
): [write: string, erase: string] {
  const end = [`\${HANGUPCAUSE}`, `\${PABX_FORWARDED_FROM}`, answered_by];
  return [
    row(`\${PABX_CALL}`, [kind, `\${PABX_BY}`, `\${PABX_GRANT}`, talk_ms, NOW_MS, ...end]),
    `Set(PABX_BEGUN=\${DB_DELETE(pabx-begun/\${PABX_CALL})})`,
  ];
}

const steps = ([first, ...rest]: readonly string[], label = '') => [
  ` same => n${label},${first}`,
  ...rest.map((step) => ` same => n,${step}`),
];

/** On the caller's channel. */
export function writeEnd(kind: 'G' | 'E' | 'O', label = ''): string[] {
  return steps(ended(kind, `0\${ANSWEREDTIME_MS}`, ANSWERING_LINE), label);
}

/** Talk by a leg that knows when it was answered, and may have been in several bridges since. */
const SINCE_ANSWER = `$[${NOW_MS} - \${PABX_ANSWERED}]`;

/** A paid leg writes for itself. */
const PAID = `"\${PABX_GRANT:0:1}" = "T"`;

/** `h` runs on the caller's channel however a call ends, unless a transfer took it elsewhere. */
export function journal(kind: 'G' | 'E'): string[] {
  const unanswered = `0\${ANSWEREDTIME_MS} = 0`;
  return [
    `exten => h,1,GotoIf($[${kind === 'G' ? `${unanswered} | ${PAID}` : unanswered}]?unwritten)`,
    ...writeEnd(kind),
    ' same => n(unwritten),NoOp()',
  ];
}

/** The end of a caller that was transferred. Other channels than callers end there too, and write nothing. */
export function journalOfTransferred(): string[] {
  return [
    `exten => h,1,GotoIf($["\${PABX_CALL}" != "\${UNIQUEID}" | ${PAID}]?unwritten)`,
    ...steps(ended('G', SINCE_ANSWER, ANSWERING_LINE)),
    ' same => n(unwritten),NoOp()',
  ];
}

/** Called legs that may outlive their caller: one that is paid for always writes, one inside if it was transferred. */
export function renderLegEnds(): string[] {
  const [write, erase] = ended('G', SINCE_ANSWER, BY);
  return [
    '[pabx-paid-ended]',
    `exten => s,1,${write}`,
    ` same => n,${erase}`,
    ' same => n,Return()',
    '[pabx-inside-ended]',
    `exten => s,1,GotoIf($["\${BLINDTRANSFER}\${ATTENDEDTRANSFER}" = ""]?unwritten)`,
    ` same => n,${write}`,
    ` same => n,${erase}`,
    ' same => n(unwritten),Return()',
  ];
}
