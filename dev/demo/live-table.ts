import type { LiveCallRow } from '../../src/contract/live.ts';
import { row, widthOf, wrap } from './cells.ts';
import { type Style, styled } from './screen.ts';
import { CLASS_WORDS, formatSeconds, PAYING_WORDS, PHASE_WORDS } from './words.ts';

/** Beside the name, which takes what is left. */
const WIDTHS = { extension: 5, number: 14, call_class: 12, phase: 8, paying: 8, talked: -6, cut: -6 };

const FAR_seconds = 3_600;
const SOON_seconds = 15;

function untilCut(call: LiveCallRow, now_ms: number): { text: string; styles: Style[] } {
  if (call.cut_at === null) return { text: '–', styles: ['dim'] };
  const seconds = (Date.parse(call.cut_at) - now_ms) / 1000;
  if (seconds > FAR_seconds) return { text: '> 1 h', styles: ['dim'] };
  return { text: formatSeconds(seconds), styles: seconds < SOON_seconds ? ['red', 'bold'] : ['yellow'] };
}

const PAYING_STYLES: Readonly<Record<LiveCallRow['paying'], Style>> = {
  NOBODY_YET: 'dim',
  BUNDLE: 'green',
  MONEY: 'yellow',
  FREE: 'cyan',
};

function callRow(call: LiveCallRow, columns: number, now_ms: number): string {
  const cut = untilCut(call, now_ms);
  const talked_seconds = call.answered_at === null ? null : (now_ms - Date.parse(call.answered_at)) / 1000;
  const phaseStyles: Style[] = call.phase === 'ANSWERED' ? [] : ['dim'];
  return row([
    [call.subscriber_name, columns - widthOf(WIDTHS)],
    [call.extension, WIDTHS.extension],
    [call.number ?? '', WIDTHS.number],
    [CLASS_WORDS[call.call_class], WIDTHS.call_class],
    [PHASE_WORDS[call.phase], WIDTHS.phase, ...phaseStyles],
    [PAYING_WORDS[call.paying], WIDTHS.paying, PAYING_STYLES[call.paying]],
    [talked_seconds === null ? '' : formatSeconds(talked_seconds), WIDTHS.talked],
    [cut.text, WIDTHS.cut, ...cut.styles],
  ]);
}

/** Calls that run, the oldest first: a head and `rows` lines. `missing` says why there can be none. */
export function liveTable(
  live: Iterable<LiveCallRow>,
  {
    columns,
    rows,
    now_ms,
    missing,
  }: { columns: number; rows: number; now_ms: number; missing: string | null },
): string[] {
  const calls = [...live].sort((a, b) => a.created_at.localeCompare(b.created_at));
  const head = row([
    [`Ao vivo (${calls.length})`, columns - widthOf(WIDTHS), 'bold'],
    ['ramal', WIDTHS.extension, 'dim'],
    ['número', WIDTHS.number, 'dim'],
    ['classe', WIDTHS.call_class, 'dim'],
    ['fase', WIDTHS.phase, 'dim'],
    ['paga', WIDTHS.paying, 'dim'],
    ['falada', WIDTHS.talked, 'dim'],
    ['corte', WIDTHS.cut, 'dim'],
  ]);
  const lines =
    missing === null
      ? calls.slice(0, rows).map((call) => callRow(call, columns, now_ms))
      : wrap(missing, columns).map((line) => styled(line, 'yellow'));
  if (calls.length > rows) lines[rows - 1] = styled(`… e mais ${calls.length - rows + 1}`, 'dim');
  return [head, ...lines, ...Array.from({ length: Math.max(0, rows - lines.length) }, () => '')];
}
