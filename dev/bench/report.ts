import type { Figures, Run } from './run.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { Way } from './ways.ts';

interface Row {
  readonly title: string;
  readonly key: keyof Figures;
  readonly digits: number;
  /** How the two ways are compared, and the most that is wanted; none: they are not. */
  readonly compare?: 'RATIO' | 'DIFFERENCE';
  readonly target?: number;
}

/** Targets hold for 50 calls a second, the standard rate. */
const ROWS: readonly Row[] = [
  { title: 'calls/s', key: 'calls_per_second', digits: 1 },
  { title: 'post-dial delay p50, ms', key: 'delay_p50_ms', digits: 1, compare: 'DIFFERENCE', target: 5 },
  { title: 'post-dial delay p99, ms', key: 'delay_p99_ms', digits: 1, compare: 'DIFFERENCE', target: 15 },
  { title: 'decision p50, ms', key: 'decision_p50_ms', digits: 2, target: 1 },
  { title: 'decision p99, ms', key: 'decision_p99_ms', digits: 2, target: 5 },
  { title: 'Asterisk CPU, ms/call', key: 'asterisk_ms', digits: 2, compare: 'RATIO', target: 1.25 },
  { title: 'control plane CPU, ms/call', key: 'control_ms', digits: 2, target: 1.5 },
  { title: 'Redis CPU, ms/call', key: 'redis_ms', digits: 2, target: 0.5 },
  { title: 'Postgres CPU, ms/call', key: 'postgres_ms', digits: 2 },
];

const WIDTHS = [28, 24, 24, 26] as const;

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join('')
    .trimEnd();
}

const figuresOf = (runs: readonly Run[], way: Way) =>
  runs.flatMap((run) => (run.way === way && run.figures ? [run.figures] : []));

const numbers = (figures: readonly Figures[], key: keyof Figures) =>
  figures.map((figure) => figure[key]).filter((value) => value !== null);

/** Runs of one round share what the machine was doing: they are compared with each other only. */
function comparisons(runs: readonly Run[], way: Way, { key, compare }: Row): number[] {
  return runs.flatMap((run) => {
    const plain = runs.find((other) => other.round === run.round && other.way === 'PLAIN')?.figures?.[key];
    const value = run.way === way ? run.figures?.[key] : null;
    if (typeof plain !== 'number' || typeof value !== 'number') return [];
    return [compare === 'RATIO' ? value / plain : value - plain];
  });
}

function show(spread: Spread | null, digits: number, sign: string): string {
  if (!spread) return '–';
  const text = (value: number) => `${sign === '+' && value >= 0 ? '+' : ''}${value.toFixed(digits)}`;
  const prefix = sign === '×' ? '×' : '';
  return `${prefix}${text(spread.median)} (${text(spread.least)} … ${text(spread.most)})`;
}

function verdict({ target, compare }: Row, measured: Spread | null): string {
  if (target === undefined || !measured) return '';
  const wanted = compare === 'DIFFERENCE' ? `+${target}` : compare === 'RATIO' ? `×${target}` : `${target}`;
  return `${measured.median <= target ? 'within' : 'BEYOND'} ${wanted}`;
}

function summaryRow(runs: readonly Run[], way: Way, row: Row): string {
  const measured = spreadOf(numbers(figuresOf(runs, way), row.key));
  const compared = row.compare ? spreadOf(comparisons(runs, way, row)) : null;
  const sign = row.compare === 'RATIO' ? '×' : '+';
  return line([
    row.title,
    show(spreadOf(numbers(figuresOf(runs, 'PLAIN'), row.key)), row.digits, ''),
    show(measured, row.digits, ''),
    row.compare ? show(compared, row.compare === 'RATIO' ? 2 : row.digits, sign) : '',
    way === 'CONTROLLED' ? verdict(row, row.compare ? compared : measured) : '',
  ]);
}

/** Medians over the rounds with the least and the most, and how each way compares with plain in its round. */
export function summary(runs: readonly Run[], ways: readonly Way[]): string {
  const tables = ways
    .filter((way) => way !== 'PLAIN')
    .map((way) => {
      const name = way.toLowerCase();
      const head = line(['median (least … most)', 'plain', name, `${name} : plain`, 'wanted']);
      return [head, ...ROWS.map((row) => summaryRow(runs, way, row))].join('\n');
    });
  return tables.join('\n\n');
}

/** One run as it ended. */
export function runLine({ round, way, load, others, figures, failure, unheard }: Run): string {
  const start = `round ${round}  ${way.toLowerCase().padEnd(11)}`;
  const machine = `load ${load.toFixed(2)}, others ${(others * 100).toFixed(0)} %`;
  if (!figures) return `${start}  does not count: ${failure}  [${machine}]`;
  const { calls_per_second, delay_p50_ms, delay_p99_ms, asterisk_ms, control_ms } = figures;
  const control = control_ms === null ? '' : `, control plane ${control_ms.toFixed(2)}`;
  return [
    start,
    `${calls_per_second.toFixed(1)} calls/s`,
    `delay p50 ${delay_p50_ms.toFixed(1)} p99 ${delay_p99_ms.toFixed(1)} ms`,
    `CPU ms/call: Asterisk ${asterisk_ms.toFixed(2)}${control}`,
    unheard > 0 ? `${unheard} ends heard of late` : '',
    `[${machine}]`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}
