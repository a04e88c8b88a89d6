import { sortedBy } from './check-rows.ts';
import { dialplanLiteral } from './quote.ts';
import type { GroupRow } from './rows.ts';

/** What a ring group rings: the steps of it, one after the other, each of them the phones that ring at once. */
export function renderGroups(groups: readonly GroupRow[]): string[] {
  return [
    '; <code>: sets whom to ring (PABX_PHONES, steps parted by hyphens), how long, and the line after them (PABX_LINE).',
    '; A member rings unless its place in PABX_LEFT_OUT has a 1.',
    '[pabx-groups]',
    ...sortedBy(groups, ({ code }) => code).flatMap(phonesOf),
    'exten => _[!-~].,1,Return()',
  ];
}

function phonesOf(row: GroupRow): string[] {
  const literal = (field: string, value: string) =>
    dialplanLiteral(value, { row: `ring group ${row.code}`, field });
  const separator = row.strategy === 'ALL' ? '&' : '-';
  const member = (sip_username: string | null, place: number) =>
    sip_username === null
      ? []
      : [
          ` same => n,ExecIf($["\${PABX_LEFT_OUT:${place}:1}" != "1"]?Set(PABX_PHONES=\${PABX_PHONES}PJSIP/${literal('members', sip_username)}${separator}))`,
        ];
  return [
    `exten => ${literal('code', row.code)},1,Set(PABX_RING=${row.ring_seconds})`,
    ` same => n,Set(PABX_PHONES=)`,
    ...row.members.flatMap(member),
    ` same => n,Set(PABX_PHONES=\${PABX_PHONES:0:-1})`,
    ...(row.overflow === null ? [] : [` same => n,Set(PABX_LINE=${literal('overflow', row.overflow)})`]),
    ' same => n,Return()',
  ];
}
