/*
 * The switch's own records, in the AstDB: they need nothing outside, and survive whoever else was to remember.
 */

/** Milliseconds since 1970 by the switch's clock. */
export const NOW_MS = `\${STRFTIME(,,%s%3q)}`;

/** GRANTED, EMERGENCY, or without the control plane: free (OFFLINE) or PAID for. */
type Kind = 'G' | 'E' | 'O' | 'P';

/**
 * The switch's own record of an answered call, from which the control plane settles what it missed. `h` runs however
 * a call ends. A key has the time, in steps of 100 s, so that what was read can be deleted by the bucket.
 */
export function journal(kind: 'G' | 'E'): string[] {
  return [
    `exten => h,1,GotoIf($[0\${ANSWEREDTIME_MS} = 0]?unanswered)`,
    ` same => n,${endedCall(kind)}`,
    ' same => n(unanswered),NoOp()',
  ];
}

/** Nobody else knows of a call that nobody decided about: it leaves a row even unanswered, up to a bound. */
export function offlineJournal(kind: 'O' | 'P'): string[] {
  return [
    `exten => h,1,GotoIf($[0\${ANSWEREDTIME_MS} > 0]?answered)`,
    ...bounded('full'),
    ` same => n(answered),${endedCall(kind)}`,
    ' same => n(full),NoOp()',
  ];
}

/** How many rows of attempts that nobody answered may wait for the control plane: a flood must not fill the AstDB. */
const UNANSWERED_ROWS = 1000;

/** Goes on at `full` when no more such rows may be written, and counts this one otherwise. */
export function bounded(full: string): string[] {
  const count = 'pabx-offline/unanswered';
  return [
    ` same => n,GotoIf($[0\${DB(${count})} >= ${UNANSWERED_ROWS}]?${full})`,
    ` same => n,Set(DB(${count})=$[0\${DB(${count})} + 1])`,
  ];
}

function endedCall(kind: Kind): string {
  const talk_ms = `0\${ANSWEREDTIME_MS}`;
  return writeJournal(kind, `\${PABX_GRANT}`, talk_ms, `\${HANGUPCAUSE}`);
}

/** A row about this call: where it was let go, how long it talked and how it ended; or why it was refused. */
export function writeJournal(kind: Kind | 'X', exten: string, talk_ms: string, end: string): string {
  const fields = ['v1', kind, `\${CHANNEL(endpoint)}`, exten, talk_ms, NOW_MS, end];
  return `Set(DB(pabx/\${EPOCH:0:-2}/\${UNIQUEID})=${fields.join('|')})`;
}
