import type { Transaction } from 'kysely';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { Database, MovementKind } from './tables.ts';

export type Tx = Transaction<Database>;

export interface NewMovement {
  /** null: of a reseller's own money, or with no reseller either, of the platform's. */
  readonly subscriber_id: string | null;
  readonly reseller_id: string | null;
  readonly kind: MovementKind;
  /** The subscriber's cycle that it counts in, `YYYY-MM-DD`; null where there is no subscriber. */
  readonly cycle_start: string | null;
  /** Unique with leg and sequence: the same movement written twice is an error, never a second charge. */
  readonly reference: string;
  readonly leg: string;
  readonly sequence: number;
  readonly author: string;
  /** In the author's words; corrections and transfers must have one. */
  readonly reason: string | null;
  readonly wallet_version: bigint;
  readonly entries: readonly LedgerEntry[];
}

/** Writes movements with their entries. The database refuses any that does not sum to zero at commit. */
export async function writeMovements(tx: Tx, movements: readonly NewMovement[]): Promise<void> {
  if (movements.length === 0) return;
  const ids = await tx
    .insertInto('ledger_movements')
    .values(movements.map(({ entries: _, ...movement }) => movement))
    .returning(['id', 'reference', 'leg', 'sequence'])
    .execute();
  const key = (m: { reference: string; leg: string; sequence: number }) =>
    `${m.reference} ${m.leg} ${m.sequence}`;
  const idOf = new Map(ids.map((row) => [key(row), row.id]));
  const entries = movements.flatMap((movement) =>
    movement.entries.map((entry) => ({ ...entry, movement_id: idOf.get(key(movement)) as bigint })),
  );
  if (entries.length > 0) await tx.insertInto('ledger_entries').values(entries).execute();
}
