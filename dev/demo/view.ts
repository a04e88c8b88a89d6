import { formatReais } from '../../src/domain/money.ts';
import type { Board, Totals } from './board.ts';
import { row, sized } from './cells.ts';
import { liveTable } from './live-table.ts';
import { styled } from './screen.ts';
import { subscriberTable } from './subscriber-table.ts';
import { formatSeconds, reasonWords } from './words.ts';

export interface View {
  readonly board: Board;
  readonly url: string;
  readonly token: string;
  /** Why there are no calls; null when there are. */
  readonly missing: string | null;
  readonly running_seconds: number;
  readonly now_ms: number;
}

/** A line to paste into a shell; in two where the terminal is narrow. */
export function curlLines(url: string, token: string, columns: number): string[] {
  const start = `curl -sH 'Authorization: Bearer ${token}'`;
  const target = `${url}/api/v1/live-calls`;
  return start.length + 1 + target.length <= columns
    ? [`${start} ${target}`]
    : [`${start} \\`, `  ${target}`];
}

export function totalsText(totals: Totals): string {
  const { ended, cut, refused, bundle_seconds, paid_seconds, micros } = totals;
  const calls = `encerradas ${ended} · cortadas ${cut} · recusadas ${refused}`;
  const sources = `franquia ${bundle_seconds}, dinheiro ${paid_seconds}`;
  return `${calls} · ${formatReais(micros)} · ${bundle_seconds + paid_seconds} s (${sources})`;
}

export const clock = (at: Date) => at.toTimeString().slice(0, 8);

function header({ url, token, running_seconds, board }: View, columns: number, rows: number): string[] {
  const since = formatSeconds(running_seconds);
  const title = ` PABX Virtual: demonstração   API ${url}`;
  return [
    styled(`${sized(title, columns - since.length - 1)}${since} `, 'inverse'),
    ...(rows < TALL_rows ? [] : [`${styled('token do master', 'dim')} ${token}`]),
    ...curlLines(url, token, columns),
    styled(sized(totalsText(board.totals), columns), 'bold'),
    '',
  ];
}

function refusalRows({ board }: View, columns: number, rows: number): string[] {
  const widths = { time: 8, number: 15, reason: Math.min(40, Math.floor(columns / 2)) };
  const name = columns - widths.time - widths.number - widths.reason - 3;
  return board.refusals.slice(0, rows).map((refusal) =>
    row([
      [clock(new Date(refusal.created_at)), widths.time, 'dim'],
      [board.nameOf(refusal.subscriber_id), name],
      [refusal.dialled ?? '', widths.number],
      [reasonWords(refusal), widths.reason, 'red'],
    ]),
  );
}

function happeningRows({ board }: View, columns: number, rows: number): string[] {
  return board.happenings.slice(0, rows).map(({ at, text }) =>
    row([
      [clock(at), 8, 'dim'],
      [text, columns - 9, 'cyan'],
    ]),
  );
}

/** A heading and exactly `rows` lines, or nothing where there is no room. */
function section(title: string, rows: number, lines: readonly string[]): string[] {
  if (rows <= 0) return [];
  return [styled(title, 'bold'), ...Array.from({ length: rows }, (_, index) => lines[index] ?? '')];
}

/** Below this a terminal shows the token in the curl line only, and not every subscriber. */
const TALL_rows = 32;
const FEW_SUBSCRIBERS = 5;

/** All of them, or on a small screen those that call now. */
function subscriberRows({ board }: View, columns: number, rows: number): string[] {
  const busiest = [...board.subscribers].sort((a, b) => b.live_calls - a.live_calls);
  const shown = rows < TALL_rows ? busiest.slice(0, FEW_SUBSCRIBERS) : board.subscribers;
  return subscriberTable(shown, board.live.values(), columns);
}

const between = (low: number, value: number, high: number) => Math.min(high, Math.max(low, value));

/** The whole picture, in lines that fit. What grows and shrinks with the terminal are the lists. */
export function picture(view: View, size: { columns: number; rows: number }): string[] {
  // In the last column some terminals erase what they have just written.
  const columns = size.columns - 1;
  const rows = size.rows - 1;
  const top = header(view, columns, rows);
  const subscribers = subscriberRows(view, columns, rows);
  const headings = 3;
  const gaps = 3;
  const room = rows - top.length - subscribers.length - headings - gaps;
  const refusals = between(1, Math.round(room * 0.22), 6);
  const happenings = between(0, Math.round(room * 0.16), 5);
  const { live } = view.board;
  const liveRows = Math.max(2, room - refusals - happenings);
  return [
    ...top,
    ...liveTable(live.values(), { ...view, columns, rows: liveRows }),
    '',
    ...subscribers,
    '',
    ...section('Últimas recusas', refusals, refusalRows(view, columns, refusals)),
    ...section('Acontecimentos', happenings, happeningRows(view, columns, happenings)),
    styled('Ctrl-C encerra · minutos usados/restantes contam no fim da chamada', 'dim'),
  ].slice(0, rows);
}
