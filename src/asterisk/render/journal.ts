/*
 * The switch's own record of an answered call, from which the control plane settles what it missed. It is written on the
 * leg that the call lasts as long as: the called leg when somebody pays for it, because a transfer may take its caller
 * away; else the caller's. A key has the time, in steps of 100 s, so that what was read can be deleted by the bucket.
 */

export const NOW_MS = `\${STRFTIME(,,%s%3q)}`;

/** The endpoint that a channel came by, or for which a transferred one goes on: `PJSIP/<endpoint>-…`, `Local/<endpoint>-…`. */
export const BY = `\${CUT(CUT(CHANNEL(name),/,2),-,1)}`;

/** As the caller's, of the leg that was dialled last. */
const ANSWERING_LINE = `\${CUT(CUT(DIALEDPEERNAME,/,2),-,1)}`;

function write(kind: 'G' | 'E' | 'O', talk_ms: string, answered_by = ANSWERING_LINE): string {
  const fields = [
    'v1',
    kind,
    `\${PABX_BY}`,
    `\${PABX_GRANT}`,
    talk_ms,
    NOW_MS,
    `\${HANGUPCAUSE}`,
    `\${PABX_FORWARDED_FROM}`,
    answered_by,
  ];
  return `Set(DB(pabx/\${EPOCH:0:-2}/\${PABX_CALL})=${fields.join('|')})`;
}

/** Talk by a leg that knows when it was answered, and may have been in several bridges since. */
const SINCE_ANSWER = `$[${NOW_MS} - \${PABX_ANSWERED}]`;

/** A paid leg writes for itself. */
const PAID = `"\${PABX_GRANT:0:1}" = "T"`;

/** `h` runs on the caller's channel however a call ends, unless a transfer took it elsewhere. */
export function journal(kind: 'G' | 'E' | 'O'): string[] {
  const unanswered = `0\${ANSWEREDTIME_MS} = 0`;
  return [
    `exten => h,1,GotoIf($[${kind === 'G' ? `${unanswered} | ${PAID}` : unanswered}]?unwritten)`,
    ` same => n,${write(kind, `\${ANSWEREDTIME_MS}`)}`,
    ' same => n(unwritten),NoOp()',
  ];
}

/** The end of a caller that was transferred. Other channels than callers end there too, and write nothing. */
export function journalOfTransferred(): string[] {
  return [
    `exten => h,1,GotoIf($["\${PABX_CALL}" != "\${UNIQUEID}" | ${PAID}]?unwritten)`,
    ` same => n,${write('G', SINCE_ANSWER)}`,
    ' same => n(unwritten),NoOp()',
  ];
}

/** Called legs that may outlive their caller: one that is paid for always writes, one inside if it was transferred. */
export function renderLegEnds(): string[] {
  return [
    '[pabx-paid-ended]',
    `exten => s,1,${write('G', SINCE_ANSWER, BY)}`,
    ' same => n,Return()',
    '[pabx-inside-ended]',
    `exten => s,1,ExecIf($["\${BLINDTRANSFER}\${ATTENDEDTRANSFER}" != ""]?${write('G', SINCE_ANSWER, BY)})`,
    ' same => n,Return()',
  ];
}
