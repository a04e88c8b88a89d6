import type { Faults } from '../contract/jobs.ts';
import type { DeckRow } from '../domain/deck.ts';
import { requirePlan } from '../stores/postgres/decks.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { findVersionAt } from '../stores/postgres/plan-versions.ts';
import { type PlanRef, readDeck } from '../stores/postgres/rate-versions.ts';
import { readDeckFile } from './read-deck.ts';

/** What would become of the prefixes. `changed` have the price they had, and another cadence, locality, F/C or active. */
export interface DeckDifference {
  added: number;
  removed: number;
  dearer: number;
  cheaper: number;
  changed: number;
  unchanged: number;
}

export interface DeckPreview {
  readonly rows: number;
  readonly active: number;
  readonly faults: Faults;
  readonly first_rows: readonly DeckRow[];
  /** From the deck that holds now; null for a file with faults, which cannot be imported. */
  readonly difference: DeckDifference | null;
}

const ROWS_SHOWN = 20;

function changeOf(before: DeckRow, after: DeckRow): keyof DeckDifference {
  if (after.price_micros_per_minute !== before.price_micros_per_minute)
    return after.price_micros_per_minute > before.price_micros_per_minute ? 'dearer' : 'cheaper';
  const rest = ({ locality, kind, cadence, active }: DeckRow) =>
    [locality, kind, active, ...Object.values(cadence)].join('\n');
  return rest(before) === rest(after) ? 'unchanged' : 'changed';
}

async function compare(
  before: AsyncIterable<readonly DeckRow[]>,
  after: readonly DeckRow[],
): Promise<DeckDifference> {
  const difference = { added: 0, removed: 0, dearer: 0, cheaper: 0, changed: 0, unchanged: 0 };
  const left = new Map(after.map((row) => [row.prefix, row]));
  for await (const page of before) {
    for (const row of page) {
      const next = left.get(row.prefix);
      difference[next ? changeOf(row, next) : 'removed'] += 1;
      left.delete(row.prefix);
    }
  }
  return { ...difference, added: left.size };
}

async function* nothing(): AsyncGenerator<DeckRow[]> {}

/** Reads a deck and saves nothing. Throws NOT_FOUND. */
export async function previewDeck(tx: Tx, plan: PlanRef, file: Uint8Array): Promise<DeckPreview> {
  await requirePlan(tx, plan);
  const { read, rows, faults } = await readDeckFile(file);
  const version = await findVersionAt(tx, plan, null);
  return {
    rows: read,
    active: rows.filter(({ active }) => active).length,
    faults,
    first_rows: rows.slice(0, ROWS_SHOWN),
    difference: faults.count > 0 ? null : await compare(version ? readDeck(tx, version.id) : nothing(), rows),
  };
}
