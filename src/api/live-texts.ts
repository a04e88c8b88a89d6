import { createHash } from 'node:crypto';
import type { BoardChange, LiveBoard } from '../calls/live-board.ts';
import { sees } from '../calls/live-board.ts';
import type { LiveCallRow, LiveChange } from '../contract/live.ts';
import type { LiveView } from './live-scope.ts';

/** Rows of one message, at most: a viewer that stalls is behind by little more than one. */
const MOST_ROWS = 256;

/** The next message for a viewer, and what it knows after it. */
export interface Batch {
  /** null: nothing that concerns it has changed. */
  readonly data: Buffer | null;
  readonly sequence: number;
}

/** Writes what changes as text: once per mask and row, and once for all viewers that are equally far. */
export interface LiveTexts {
  /** Names the board for viewers of this kind: whoever may see something else cannot resume by it. */
  boardOf(view: LiveView): string;
  /** null: the viewer is too far behind, and needs a snapshot. */
  changes(view: LiveView, sequence: number): Batch | null;
  /** Part of a snapshot; the rest of `rows` is for the parts after it. */
  snapshot(
    view: LiveView,
    sequence: number,
    part: number,
    rows: readonly LiveCallRow[],
  ): { readonly data: Buffer; readonly rest: readonly LiveCallRow[] };
  resumed(view: LiveView, sequence: number): Buffer;
  /** Lets go of what viewers share. */
  forget(): void;
}

const nameOf = ({ scope, mask_name }: LiveView) =>
  [scope.reseller_id ?? '', scope.subscriber_id ?? '', mask_name].join('|');

export function createLiveTexts(board: LiveBoard): LiveTexts {
  const written = new WeakMap<LiveCallRow | LiveChange, Map<string, string>>();
  const shared = new Map<string, Batch>();
  const found = new Map<number, readonly BoardChange[] | null>();

  /** By mask: texts of one row are few, and go when the row does. */
  function textOf(row: LiveCallRow | LiveChange, { mask, mask_name }: LiveView): string {
    const texts = written.get(row) ?? new Map<string, string>();
    if (texts.size === 0) written.set(row, texts);
    const known = texts.get(mask_name);
    if (known !== undefined) return known;
    const text = JSON.stringify(mask(row));
    texts.set(mask_name, text);
    return text;
  }

  function changeText(change: LiveChange, view: LiveView): string {
    if (change.type === 'remove') return textOf(change, view);
    return `{"type":"upsert","sequence":${change.sequence},"call":${textOf(change.call, view)}}`;
  }

  function since(sequence: number): readonly BoardChange[] | null {
    if (!found.has(sequence)) found.set(sequence, board.since(sequence));
    return found.get(sequence) ?? null;
  }

  function write(view: LiveView, changes: readonly BoardChange[]): Batch {
    const own = changes.filter((one) => sees(view.scope, one));
    const taken = own.slice(0, MOST_ROWS);
    const sequence = own.length > taken.length ? (taken.at(-1)?.sequence ?? 0) : board.sequence();
    if (taken.length === 0) return { data: null, sequence };
    const texts = taken.map(({ change }) => changeText(change, view));
    const text = `{"type":"changes","sequence":${sequence},"changes":[${texts.join(',')}]}`;
    return { data: Buffer.from(text), sequence };
  }

  const boardOf = (view: LiveView) =>
    `${board.id}.${createHash('sha256').update(nameOf(view)).digest('hex').slice(0, 16)}`;
  const head = (type: string, view: LiveView, sequence: number) => ({
    type,
    board: boardOf(view),
    sequence,
    now: new Date().toISOString(),
  });

  return {
    boardOf,
    changes(view, sequence) {
      const key = `${sequence}|${nameOf(view)}`;
      const before = shared.get(key);
      if (before) return before;
      const changes = since(sequence);
      if (!changes) return null;
      const batch = write(view, changes);
      shared.set(key, batch);
      return batch;
    },
    snapshot(view, sequence, part, rows) {
      const rest = rows.slice(MOST_ROWS);
      const start = JSON.stringify({
        ...head('snapshot', view, sequence),
        part,
        complete: rest.length === 0,
      });
      const texts = rows.slice(0, MOST_ROWS).map((row) => textOf(row, view));
      return { data: Buffer.from(`${start.slice(0, -1)},"calls":[${texts.join(',')}]}`), rest };
    },
    resumed: (view, sequence) => Buffer.from(JSON.stringify(head('resumed', view, sequence))),
    forget() {
      shared.clear();
      found.clear();
    },
  };
}
