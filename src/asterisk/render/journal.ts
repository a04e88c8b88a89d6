/*
 * The switch's own records of answered calls, in the AstDB, from which the control plane settles what it missed. As a call
 * is answered it is written down as begun; as it ends that row gives way to one about the whole call. A call that began
 * and has no end ran until its switch died. Keys of ends have the time, in steps of 100 s, so that what was read can be
 * deleted by the bucket.
 */

export const NOW_MS = `\${STRFTIME(,,%s%3q)}`;

/** The endpoint that a channel came by: `PJSIP/<endpoint>-0000001a`, or `Local/<line that sends on>-<destination>@…`. */
export const BY = `\${CUT(CUT(CHANNEL(name),/,2),-,1)}`;

/** On the called leg, which has inherited whose call it is. */
export const begun = ` same => n,Set(DB(pabx-begun/\${PABX_CALL})=v1|\${PABX_BY}|\${PABX_GRANT}|\${PABX_ANSWERED})`;

/** One row about the call: `exten` is where it was let go, `end` the cause of its end, and what else there is to tell. */
export function write(kind: 'G' | 'E' | 'O' | 'X', exten: string, talk_ms: string, end: string[]): string {
  const fields = ['v1', kind, BY, exten, talk_ms, NOW_MS, ...end];
  return `Set(DB(pabx/\${EPOCH:0:-2}/\${UNIQUEID})=${fields.join('|')})`;
}

/** As the caller's, of the leg that was dialled last. */
const ANSWERING_LINE = `\${CUT(CUT(DIALEDPEERNAME,/,2),-,1)}`;

/** The row about an answered call, which takes the place of that about its beginning. */
export function writeEnd(kind: 'G' | 'E' | 'O', label = ''): string[] {
  const end = [`\${HANGUPCAUSE}`, `\${PABX_FORWARDED_FROM}`, ANSWERING_LINE];
  return [
    ` same => n${label},${write(kind, `\${PABX_GRANT}`, `0\${ANSWEREDTIME_MS}`, end)}`,
    ` same => n,Set(PABX_BEGUN=\${DB_DELETE(pabx-begun/\${UNIQUEID})})`,
  ];
}

/** `h` runs on the caller's channel however a call ends. */
export function journal(kind: 'G' | 'E'): string[] {
  return [
    `exten => h,1,GotoIf($[0\${ANSWEREDTIME_MS} = 0]?unanswered)`,
    ...writeEnd(kind),
    ' same => n(unanswered),NoOp()',
  ];
}
