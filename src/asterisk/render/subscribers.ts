import { sortedBy } from './check-rows.ts';
import { dialplanLiteral } from './quote.ts';
import type { GroupRow, LineRow } from './rows.ts';

/** Two contexts for each subscriber: where its phones arrive, and which extensions they reach among themselves. */
export function renderSubscribers(lines: readonly LineRow[], groups: readonly GroupRow[]): string[] {
  const sorted = sortedBy(lines, ({ subscriber_id, extension }) => `${subscriber_id} ${extension}`);
  const bySubscriber = Map.groupBy(sorted, ({ subscriber_id }) => subscriber_id);
  return [...bySubscriber].flatMap(([subscriber, own]) => {
    const id = dialplanLiteral(subscriber, { row: `subscriber ${subscriber}`, field: 'id' });
    return [
      `[from-${id}]`,
      // The first include that knows the number wins: nothing may stand in front of an emergency number.
      'include => pabx-emergency',
      `include => internal-${id}`,
      'include => pabx-outbound',
      `[internal-${id}]`,
      ...own.flatMap(internalNumber),
      ...sortedBy(groups, ({ extension }) => extension)
        .filter(({ subscriber_id }) => subscriber_id === subscriber)
        .flatMap(groupNumber),
    ];
  });
}

/** What to do without the control plane goes along; the extension stays, so that it reads what was dialled. */
function internalNumber({ sip_username, extension }: LineRow): string[] {
  const row = `line ${sip_username}`;
  const callee = dialplanLiteral(sip_username, { row, field: 'sip_username' });
  const number = dialplanLiteral(extension, { row, field: 'extension' });
  return [
    `exten => ${number},1,Set(PABX_OFFLINE=L-${callee}-${number})`,
    ` same => n,Goto(pabx-internal,${number},1)`,
  ];
}

function groupNumber({ code, extension }: GroupRow): string[] {
  const row = `ring group ${code}`;
  const group = dialplanLiteral(code, { row, field: 'code' });
  const number = dialplanLiteral(extension, { row, field: 'extension' });
  return [
    `exten => ${number},1,Set(PABX_OFFLINE=G-${group}-${number})`,
    ` same => n,Goto(pabx-internal,${number},1)`,
  ];
}
