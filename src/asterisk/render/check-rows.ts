import { canBeExtension } from '../../domain/short-codes.ts';
import { dialplanLiteral, exact, hostAndPort, shown, UnrenderableValueError } from './quote.ts';
import type { ForwardRow, GroupRow, LineRow, NumberRow, ServerRows, TrunkRow } from './rows.ts';

/** Rows of which every value may be written as it is; a line's name is quoted where it is written. */
export interface CheckedRows {
  readonly lines: readonly LineRow[];
  readonly trunks: readonly CheckedTrunk[];
  readonly numbers: readonly NumberRow[];
  readonly forwards: readonly ForwardRow[];
  readonly groups: readonly GroupRow[];
  readonly problems: readonly string[];
}

export interface CheckedTrunk {
  readonly code: string;
  readonly address: string;
}

/** Leaves out what cannot be rendered, and says so: one faulty row must not take the others down. */
export function checkRows(rows: ServerRows): CheckedRows {
  const problems: string[] = [];
  const trunks = keepGood(rows.trunks, checkTrunk(), problems);
  const endpoints = new Set(trunks.map(({ code }) => code));
  const active = rows.lines.filter(({ active }) => active);
  // In an order of their own, so that of two rivals the same one stays whatever order they came in.
  const sorted = sortedBy(active, (line) => `${line.sip_username} ${line.subscriber_id} ${line.extension}`);
  const lines = keepGood(sorted, checkLine(endpoints), problems);
  const phones = new Set(lines.map(({ sip_username }) => sip_username));
  // One whose line was left out rings nobody; the line's own problem says why.
  const ringing = rows.numbers.filter(({ sip_username }) => phones.has(sip_username));
  const numbers = keepGood(ringing, checkNumber(), problems);
  const sending = rows.forwards.filter(({ sip_username }) => phones.has(sip_username));
  const forwards = keepGood(sending, checkForward, problems);
  const groups = keepGood(rows.groups, checkGroup(lines, numbers), problems);
  return { lines, trunks, numbers, forwards, groups, problems };
}

/** By code units: the same everywhere, which the order of a language is not. */
export function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Runs `work`; a value that cannot be rendered becomes a problem and the result null. */
export function orProblem<T>(work: () => T, problems: string[]): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UnrenderableValueError)) throw error;
    problems.push(error.message);
    return null;
  }
}

function keepGood<Row, Checked>(
  rows: readonly Row[],
  check: (row: Row) => Checked,
  problems: string[],
): Checked[] {
  return rows.map((row) => orProblem(() => check(row), problems)).filter((row) => row !== null);
}

function checkTrunk(): (trunk: TrunkRow) => CheckedTrunk {
  const codes = new Set<string>();
  return ({ code, host, port }) => {
    const row = `trunk ${shown(code)}`;
    exact('trunkCode', code, { row, field: 'code' });
    const address = hostAndPort(host, port, row);
    claim(codes, code, row, 'code', 'is taken by another trunk');
    return { code, address };
  };
}

function checkLine(endpoints: Set<string>): (line: LineRow) => LineRow {
  const extensions = new Set<string>();
  return (line) => {
    const row = `line ${shown(line.sip_username)}`;
    exact('sipUsername', line.sip_username, { row, field: 'sip_username' });
    exact('md5', line.sip_ha1, { row, field: 'sip_ha1' });
    exact('uuid', line.subscriber_id, { row, field: 'subscriber_id' });
    const extension = dialplanLiteral(line.extension, { row, field: 'extension' });
    if (!canBeExtension(extension)) {
      throw new UnrenderableValueError({ row, field: 'extension' }, `cannot be one: ${shown(extension)}`);
    }
    // Trunks and lines are endpoints of one name space.
    const taken = 'is taken by another line or a trunk';
    if (endpoints.has(line.sip_username)) {
      throw new UnrenderableValueError({ row, field: 'sip_username' }, taken);
    }
    const where = `${line.subscriber_id} ${extension}`;
    claim(extensions, where, row, 'extension', `is taken by another line: ${extension}`);
    endpoints.add(line.sip_username);
    return line;
  };
}

function checkNumber(): (number: NumberRow) => NumberRow {
  const taken = new Set<string>();
  return (number) => {
    const row = `number ${shown(number.number)}`;
    exact('e164', number.number, { row, field: 'number' });
    claim(taken, number.number, row, 'number', 'is taken by another line');
    return number;
  };
}

function checkForward(forward: ForwardRow): ForwardRow {
  const { sip_username, always, busy, no_answer, no_answer_seconds, offline } = forward;
  const row = `line ${shown(sip_username)}`;
  for (const [field, to] of Object.entries({ always, busy, no_answer, offline }))
    if (to !== null) exact('destination', to, { row, field });
  if (Number.isInteger(no_answer_seconds) && no_answer_seconds > 0) return forward;
  throw new UnrenderableValueError({ row, field: 'no_answer_seconds' }, 'is no whole number of seconds');
}

/** A member whose line was left out leaves its place empty: calls name members by their places. */
function checkGroup(lines: readonly LineRow[], numbers: readonly NumberRow[]): (group: GroupRow) => GroupRow {
  const extensions = new Set(lines.map(({ subscriber_id, extension }) => `${subscriber_id} ${extension}`));
  const taken = new Set(numbers.map(({ number }) => number));
  return (group) => {
    const row = `ring group ${shown(group.code)}`;
    exact('groupCode', group.code, { row, field: 'code' });
    exact('uuid', group.subscriber_id, { row, field: 'subscriber_id' });
    if (!Number.isInteger(group.ring_seconds) || group.ring_seconds < 1)
      throw new UnrenderableValueError({ row, field: 'ring_seconds' }, 'is no whole number of seconds');
    if (!canBeExtension(group.extension))
      throw new UnrenderableValueError(
        { row, field: 'extension' },
        `cannot be one: ${shown(group.extension)}`,
      );
    claim(extensions, `${group.subscriber_id} ${group.extension}`, row, 'extension', 'is taken');
    for (const number of group.numbers) {
      exact('e164', number, { row, field: 'number' });
      claim(taken, number, row, 'number', 'is taken by another target');
    }
    const own = new Set(
      lines
        .filter(({ subscriber_id }) => subscriber_id === group.subscriber_id)
        .map(({ sip_username }) => sip_username),
    );
    const known = (sip_username: string | null) =>
      sip_username && own.has(sip_username) ? sip_username : null;
    return { ...group, members: group.members.map(known), overflow: known(group.overflow) };
  };
}

function claim(taken: Set<string>, key: string, row: string, field: string, rule: string): void {
  if (taken.has(key)) throw new UnrenderableValueError({ row, field }, rule);
  taken.add(key);
}
