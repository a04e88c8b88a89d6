import { sortedBy } from './check-rows.ts';
import { dialplanLiteral } from './quote.ts';
import type { ForwardRow, LineRow } from './rows.ts';

/** How long the one who forwards waits for the control plane before it counts as gone. */
const DECISION_SECONDS = 5;
const OUT_OF_ORDER = 38;

/**
 * Where calls of lines go on to. A call that is sent on leaves through a Local channel, whose far end is a call of the line
 * that sends it on: its name and its extension tell which line and where to, as long as it lives.
 */
export function renderForwards(forwards: readonly ForwardRow[], lines: readonly LineRow[]): string[] {
  const sorted = sortedBy(forwards, ({ sip_username }) => sip_username);
  return [
    '; <sip user name>: sets where its calls go on to at once (PABX_TO) and after each end of ringing (PABX_TO_<status>).',
    '[pabx-forwards]',
    ...sorted.flatMap(destinationsOf),
    'exten => _[!-~].,1,Return()',
    '; <sip user name>-<destination>',
    '[pabx-forward]',
    `exten => _[!-~].,1,Set(TIMEOUT(absolute)=${DECISION_SECONDS})`,
    ` same => n,Set(PABX_FORWARDED_FROM=\${PABX_CALL})`,
    ` same => n,Set(__PABX_SENDERS=\${PABX_SENDERS}-\${CUT(EXTEN,-,1)})`,
    ` same => n,Set(PABX_OFFLINE=\${EXTEN})`,
    ` same => n,Stasis(pabx,\${PABX_FORWARDED_FROM},\${PABX_SENDERS})`,
    ` same => n,Goto(pabx-forward-offline,\${PABX_OFFLINE},1)`,
    `exten => T,1,Goto(pabx-forward-offline,\${PABX_OFFLINE},1)`,
    '; When nobody decides, calls go on to phones of the same subscriber only: those cost nothing.',
    '[pabx-forward-offline]',
    ...sorted.flatMap((row) => offline(row, lines)),
    `exten => i,1,Hangup(${OUT_OF_ORDER})`,
  ];
}

/** By what `Dial` says of its end. A phone that is not there is 'no channel' to it, one that cannot is congested. */
function destinationsOf(row: ForwardRow): string[] {
  const { sip_username, always, busy, no_answer, no_answer_seconds, offline } = row;
  const to = (variable: string, value: string | null) =>
    value === null ? [] : [` same => n,Set(${variable}=${literal(row, value)})`];
  return [
    `exten => ${literal(row, sip_username)},1,NoOp()`,
    ...to('PABX_TO', always),
    ...to('PABX_TO_BUSY', busy),
    ...to('PABX_TO_NOANSWER', no_answer),
    ...(no_answer === null ? [] : [` same => n,Set(PABX_RING=${no_answer_seconds})`]),
    ...to('PABX_TO_CHANUNAVAIL', offline),
    ...to('PABX_TO_CONGESTION', offline),
    ' same => n,Return()',
  ];
}

function offline(row: ForwardRow, lines: readonly LineRow[]): string[] {
  const { sip_username, always, busy, no_answer, offline } = row;
  const own = lines.find((line) => line.sip_username === sip_username);
  const destinations = new Set([always, busy, no_answer, offline]);
  return lines
    .filter(
      ({ subscriber_id, extension }) => subscriber_id === own?.subscriber_id && destinations.has(extension),
    )
    .map((line) => {
      const to = `L-${literal(row, line.sip_username)}-${literal(row, line.extension)}`;
      return `exten => ${sip_username}-${line.extension},1,Goto(pabx-offline-internal,${to},1)`;
    });
}

const literal = ({ sip_username }: ForwardRow, value: string) =>
  dialplanLiteral(value, { row: `line ${sip_username}`, field: 'forward' });
