import { loadavg } from 'node:os';
import autocannon from 'autocannon';
import { type ApiInstallation, READS, type Read, WAYS, type Way } from './api-installation.ts';
import { familyCpu_ms, processCpu_ms, watchOthers } from './cpu.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface ApiOptions {
  readonly seconds: number;
  readonly rounds: number;
  /** Requests that are under way at any time. */
  readonly connections: number;
}

/** CPU is milliseconds a request. */
export interface ApiFigures {
  readonly reads_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly server_ms: number;
  readonly postgres_ms: number;
  readonly redis_ms: number;
}

export interface ApiRun {
  readonly read: Read;
  readonly way: Way;
  /** null when a request failed: then it is no measurement. */
  readonly figures: ApiFigures | null;
}

interface Items {
  readonly items?: readonly { readonly id: string }[];
  readonly id?: string;
}

/** Both servers must give the same records, or there is nothing to compare. */
export async function checkSameAnswers(installation: ApiInstallation): Promise<void> {
  const { headers } = installation;
  for (const read of READS) {
    const [bare, whole] = await Promise.all(
      WAYS.map(async (way) => {
        const response = await fetch(installation.url(way, read), { headers });
        const { items, id } = (await response.json()) as Items;
        return { ids: items?.map((item) => item.id) ?? [id], status: response.status };
      }),
    );
    // The query reads one more, to know whether there is another page.
    const same = whole?.ids.every((id, index) => id !== undefined && id === bare?.ids[index]);
    if (whole?.status !== 200 || whole.ids.length === 0 || !same)
      throw new Error(`the servers differ in ${read}: ${JSON.stringify([bare, whole])}`);
  }
}

export async function runApi(
  installation: ApiInstallation,
  way: Way,
  read: Read,
  options: Omit<ApiOptions, 'rounds'>,
): Promise<ApiRun> {
  const { headers, pid } = installation;
  // Looked at twice: a connection that ends in the middle of one look is missing from it with all its time.
  const postgres = () => Math.max(familyCpu_ms(pid('POSTGRES')), familyCpu_ms(pid('POSTGRES')));
  const cpu = () => [processCpu_ms(pid(way)), postgres(), processCpu_ms(pid('REDIS'))] as const;
  const before = cpu();
  const url = installation.url(way, read);
  const result = await autocannon({
    url,
    headers,
    connections: options.connections,
    duration: options.seconds,
  });
  const { '2xx': reads, non2xx, errors, timeouts, duration, latency } = result;
  if (reads === 0 || non2xx + errors + timeouts > 0) return { read, way, figures: null };
  const [server_ms = 0, postgres_ms = 0, redis_ms = 0] = cpu().map(
    (after, index) => (after - (before[index] ?? 0)) / reads,
  );
  const { p50: p50_ms, p99: p99_ms } = latency;
  const reads_per_second = reads / duration;
  return { read, way, figures: { reads_per_second, p50_ms, p99_ms, server_ms, postgres_ms, redis_ms } };
}

/** Every read in both ways, in turn; which goes first changes from round to round. */
export async function runApiRounds(installation: ApiInstallation, options: ApiOptions): Promise<ApiRun[]> {
  const runs: ApiRun[] = [];
  for (const read of READS)
    for (const way of WAYS) await runApi(installation, way, read, { ...options, seconds: 2 });
  for (let round = 1; round <= options.rounds; round++) {
    const ways = round % 2 === 1 ? WAYS : WAYS.toReversed();
    for (const read of READS) {
      const others = watchOthers();
      const pair: ApiRun[] = [];
      for (const way of ways) pair.push(await runApi(installation, way, read, options));
      runs.push(...pair);
      const said = pair.map(({ way, figures }) => {
        const rate = figures ? `${figures.reads_per_second.toFixed(0)} reads/s` : 'does not count';
        return `${way.toLowerCase()} ${rate}`;
      });
      const machine = `load ${loadavg()[0]?.toFixed(2)}, others ${(others() * 100).toFixed(0)} %`;
      console.log(`round ${round}  ${read.padEnd(12)}${said.join('  ')}  [${machine}]`);
    }
  }
  return runs;
}

const TARGET = 0.5;
const ROWS: readonly (readonly [title: string, key: keyof ApiFigures, digits: number])[] = [
  ['reads/s', 'reads_per_second', 0],
  ['latency p50, ms', 'p50_ms', 0],
  ['latency p99, ms', 'p99_ms', 0],
  ['server CPU, ms/read', 'server_ms', 2],
  ['Postgres CPU, ms/read', 'postgres_ms', 2],
  ['Redis CPU, ms/read', 'redis_ms', 2],
];

function show(spread: Spread | null, digits: number): string {
  if (!spread) return '–';
  const [median, least, most] = [spread.median, spread.least, spread.most].map((n) => n.toFixed(digits));
  return `${median} (${least} … ${most})`;
}

/** Only runs of one round share what the machine was doing. */
function ratios(bare: readonly ApiRun[], whole: readonly ApiRun[], key: keyof ApiFigures): number[] {
  return bare.flatMap(({ figures }, index) => {
    const [one, other] = [figures?.[key] ?? 0, whole[index]?.figures?.[key]];
    return one > 0 && other !== undefined ? [other / one] : [];
  });
}

export function apiSummary(runs: readonly ApiRun[]): string {
  const line = (cells: readonly string[]) =>
    cells
      .map((cell) => cell.padEnd(26))
      .join('')
      .trimEnd();
  return READS.flatMap((read) => {
    const [bare = [], whole = []] = WAYS.map((way) =>
      runs.filter((run) => run.read === read && run.way === way),
    );
    const figures = (of: readonly ApiRun[], key: keyof ApiFigures) =>
      spreadOf(of.flatMap((run) => (run.figures ? [run.figures[key]] : [])));
    const rows = ROWS.map(([title, key, digits]) => {
      const ratio = spreadOf(ratios(bare, whole, key));
      const judged = key === 'reads_per_second' && read === 'list of 50' && ratio;
      const verdict = judged ? `${ratio.median >= TARGET ? 'within' : 'BELOW'} ×${TARGET}` : '';
      const cells = [figures(bare, key), figures(whole, key)].map((spread) => show(spread, digits));
      return line([title, ...cells, ratio ? `×${show(ratio, 2)}` : '', verdict]);
    });
    return [line([read, 'bare', 'whole', 'whole : bare', 'wanted']), ...rows, ''];
  }).join('\n');
}
