import type { Audit } from './audit.ts';
import type { Board } from './board.ts';
import { unstyled } from './screen.ts';
import { subscriberTable } from './subscriber-table.ts';
import { totalsText } from './view.ts';
import { formatSeconds, REASON_WORDS } from './words.ts';

export interface Summary {
  readonly board: Board;
  readonly audit: Audit;
  readonly ran_seconds: number;
  /** Calls that phones have tried. */
  readonly placed: number;
  /** No call was billed though there was time enough. */
  readonly silent: boolean;
}

const WIDEST = 119;

function auditLines({ movements, calls, faults }: Audit): string[] {
  if (faults.length > 0) return ['O livro-razão NÃO confere:', ...faults.map((fault) => `  ${fault}`)];
  return [
    `Livro-razão confere: ${movements} lançamentos somam zero; ${calls} registros, saldos e minutos batem com eles.`,
  ];
}

/** What the demo has done, for whoever comes back to the terminal, and for CI. */
export function summaryLines(summary: Summary, columns: number): string[] {
  const { board, audit, ran_seconds, placed, silent } = summary;
  const table = subscriberTable(board.subscribers, board.live.values(), Math.min(columns - 1, WIDEST));
  const reasons = [...board.totals.reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${REASON_WORDS[reason]}`);
  return [
    '',
    `Resumo de ${formatSeconds(Math.round(ran_seconds))}: ${placed} chamadas discadas`,
    totalsText(board.totals),
    `Recusas: ${reasons.join(', ') || 'nenhuma'}`,
    '',
    ...table.map((line) => unstyled(line).trimEnd()),
    '',
    ...auditLines(audit),
    ...(silent ? ['Nenhuma chamada foi cobrada: algo não funciona.'] : []),
  ];
}
