/*
 * The switch's own record of an answered call, from which the control plane settles what it missed. It is written on the
 * leg that the call lasts as long as: the called leg when somebody pays for it, because a transfer may take its caller
 * away; else the caller's. A key has the time, in steps of 100 s, so that what was read can be deleted by the bucket.
 */

export const NOW_MS = `\${STRFTIME(,,%s%3q)}`;

/** The endpoint that a channel came by, or for which a transferred one goes on: `PJSIP/<endpoint>-…`, `Local/<endpoint>-…`. */
export const BY = `\${CUT(CUT(CHANNEL(name),/,2),-,1)}`;

function write(kind: 'G' | 'E' | 'O', talk_ms: string): string {
  const fields = ['v1', kind, `\${PABX_BY}`, `\${PABX_GRANT}`, talk_ms, NOW_MS, `\${HANGUPCAUSE}`];
  return `Set(DB(pabx/\${EPOCH:0:-2}/\${PABX_CALL})=${fields.join('|')})`;
}

/** Talk by a leg that knows when it was answered, and may have been in several bridges since. */
const SINCE_ANSWER = `$[${NOW_MS} - \${PABX_ANSWERED}]`;

/** `h` runs on the caller's channel however a call ends, unless a transfer took it elsewhere. */
export function journal(kind: 'G' | 'E' | 'O'): string[] {
  return [
    `exten => h,1,GotoIf($[0\${ANSWEREDTIME_MS} = 0 | "\${PABX_GRANT:0:1}" = "T"]?unwritten)`,
    ` same => n,${write(kind, `\${ANSWEREDTIME_MS}`)}`,
    ' same => n(unwritten),NoOp()',
  ];
}

/** The end of a caller that was transferred. Other channels than callers end there too, and write nothing. */
export function journalOfTransferred(): string[] {
  return [
    `exten => h,1,GotoIf($["\${PABX_CALL}" != "\${UNIQUEID}" | "\${PABX_GRANT:0:1}" = "T"]?unwritten)`,
    ` same => n,${write('G', SINCE_ANSWER)}`,
    ' same => n(unwritten),NoOp()',
  ];
}

/** Called legs that outlive their caller when it transfers them. */
export function renderLegs(): string[] {
  const leg = (ended: string) => [
    `exten => s,1,Set(CHANNEL(hangup_handler_push)=${ended},s,1)`,
    ` same => n,Goto(pabx-answered,s,1)`,
  ];
  return [
    '; Called legs that write the journal themselves: one that is paid for always, one inside if it was transferred.',
    '[pabx-paid]',
    ...leg('pabx-paid-ended'),
    '[pabx-paid-ended]',
    `exten => s,1,${write('G', SINCE_ANSWER)}`,
    ' same => n,Return()',
    '[pabx-inside]',
    ...leg('pabx-inside-ended'),
    '[pabx-inside-ended]',
    `exten => s,1,ExecIf($["\${BLINDTRANSFER}\${ATTENDEDTRANSFER}" != ""]?${write('G', SINCE_ANSWER)})`,
    ' same => n,Return()',
  ];
}
