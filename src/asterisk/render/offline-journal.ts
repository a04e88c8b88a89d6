import { writeEnd, writeRefused } from './journal.ts';

/*
 * What the dialplan writes down of calls that nobody decided about. Nobody else knows of them, so also those leave a row
 * that were not answered or that it refused: up to a bound, because a flood must not fill the AstDB.
 */

const ROWS = 1000;
const COUNT = 'DB(pabx-offline/unanswered)';

/** Goes on at `full` when no more such rows may be written, and counts this one otherwise. */
const bounded = [
  ` same => n,GotoIf($[0\${${COUNT}} >= ${ROWS}]?full)`,
  ` same => n,Set(${COUNT}=$[0\${${COUNT}} + 1])`,
];

/** `h` runs however a call ends. */
export function offlineJournal(): string[] {
  return [
    `exten => h,1,GotoIf($[0\${ANSWEREDTIME_MS} > 0]?answered)`,
    ...bounded,
    ...writeEnd('O', '(answered)'),
    ' same => n(full),NoOp()',
  ];
}

/** `why` and what was dialled, of which only digits and signs. */
export function refusalJournal(why: string, dialled: string): string[] {
  return [...bounded, ` same => n,${writeRefused(dialled, why)}`, ' same => n(full),NoOp()'];
}
