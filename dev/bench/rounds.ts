import { loadavg } from 'node:os';
import { watchOthers } from './cpu.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** One way to do something. `run` gives how many per second (`unit`) it did, or null when the run does not count. */
export interface MeasuredWay {
  readonly name: string;
  run(): Promise<number | null>;
}

/** What the rounds gave, by way; the first is what the others are compared with. */
export type Measured = readonly { readonly name: string; readonly rates: readonly (number | null)[] }[];

const count = (value: number) => Math.round(value).toLocaleString('en-US');

/** Every way in every round; who goes first changes from round to round. Each way ran once before, to be warm. */
export async function runRounds(
  title: string,
  unit: string,
  ways: readonly MeasuredWay[],
  rounds: number,
): Promise<Measured> {
  const rates = new Map<string, (number | null)[]>(ways.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    const others = watchOthers();
    const said: string[] = [];
    for (const way of round % 2 === 1 ? ways : ways.toReversed()) {
      const rate = await way.run();
      rates.get(way.name)?.push(rate);
      said.push(`${way.name} ${rate === null ? 'does not count' : count(rate)}`);
    }
    const machine = `load ${loadavg()[0]?.toFixed(2)}, others ${(others() * 100).toFixed(0)} %`;
    console.log(`${title}, round ${round}: ${said.join(', ')} per ${unit}  [${machine}]`);
  }
  return ways.map(({ name }) => ({ name, rates: rates.get(name) ?? [] }));
}

function show(spread: Spread | null, text: (value: number) => string): string {
  if (!spread) return '–';
  return `${text(spread.median)} (${text(spread.least)} … ${text(spread.most)})`;
}

/** Only runs of one round share what the machine was doing. */
function ratios(base: readonly (number | null)[], other: readonly (number | null)[]): number[] {
  return other.flatMap((rate, round) => {
    const first = base[round] ?? null;
    return rate === null || first === null ? [] : [rate / first];
  });
}

/** `aim`: of the last way, over the first. */
export function measuredTable(title: string, unit: string, measured: Measured, aim?: number): string {
  const line = (cells: readonly string[]) =>
    cells
      .map((cell) => cell.padEnd(34))
      .join('')
      .trimEnd();
  const [base] = measured;
  const rows = measured.map(({ name, rates }, index) => {
    const known = rates.filter((rate) => rate !== null);
    const ratio = index === 0 ? null : spreadOf(ratios(base?.rates ?? [], rates));
    const judged = aim !== undefined && ratio && index === measured.length - 1;
    return line([
      name,
      show(spreadOf(known), count),
      ratio ? `×${show(ratio, (value) => value.toFixed(2))}` : '',
      judged ? `${ratio.median >= aim ? 'within' : 'BELOW'} ×${aim}` : '',
    ]);
  });
  return [
    line([title, `per ${unit}`, `: ${base?.name ?? ''}`, aim === undefined ? '' : 'wanted']),
    ...rows,
  ].join('\n');
}

/** Whether every run counts. */
export const allCount = (measured: Measured) => measured.every(({ rates }) => !rates.includes(null));
