import type { DeckRow } from './deck.ts';

/** A row of one of two decks. Rows come in the order of their prefixes, digit by digit; of equal ones the sale first. */
export interface SidedRow {
  readonly side: 'SALE' | 'COST';
  readonly row: DeckRow;
}

/** A sale row and a cost row that some number is priced by at once; null: there are numbers without any cost. */
export interface Meeting {
  readonly sale: DeckRow;
  readonly cost: DeckRow | null;
}

export interface LossWalk {
  add(row: SidedRow): void;
  end(): void;
}

/**
 * Walks along two decks at once and tells which rows meet. A sale row meets the cost row of the longest prefix of its
 * own, and every longer cost row below it that no longer sale row covers: sale `55` over costs `5` and `5592` meets both,
 * and loses at `5592` what it may earn elsewhere. There is at most one meeting for each prefix, that of the longer of
 * the two, and they are told in the order of these. Each row costs a few comparisons, whatever the size of the decks.
 */
export function createLossWalk(met: (meeting: Meeting) => void): LossWalk {
  /** Rows whose prefixes the walk is inside of, the longest last. */
  const open: Record<SidedRow['side'], DeckRow[]> = { SALE: [], COST: [] };
  /** A sale row whose own cost row may come next: it meets when another prefix begins. */
  let waiting: DeckRow | null = null;

  function settle(): void {
    if (waiting) met({ sale: waiting, cost: open.COST.at(-1) ?? null });
    waiting = null;
  }
  function enter(prefix: string): void {
    for (const rows of [open.SALE, open.COST])
      while (rows.length > 0 && !prefix.startsWith((rows.at(-1) as DeckRow).prefix)) rows.pop();
  }

  return {
    add({ side, row }) {
      if (waiting && waiting.prefix !== row.prefix) settle();
      enter(row.prefix);
      open[side].push(row);
      if (side === 'SALE') waiting = row;
      else if (!waiting) {
        const sale = open.SALE.at(-1);
        if (sale) met({ sale, cost: row });
      }
    },
    end: settle,
  };
}
