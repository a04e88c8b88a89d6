import type { LiveBoard } from '../calls/live-board.ts';
import type { LiveCallRow } from '../contract/live.ts';
import type { LiveView } from './live-scope.ts';
import { createLiveTexts } from './live-texts.ts';

/** Changes are gathered this long: a row that changes more often is told of in its latest state. */
const GATHER_ms = 100;
/** A viewer with this much unsent is told nothing more until it has read. With one message on top it stays below 1 MB. */
const MOST_BUFFERED_bytes = 512 * 1024;

/** What messages are written to. */
export interface Pipe {
  /** What is written and not yet sent. */
  readonly bufferedAmount: number;
  send(data: Buffer): void;
}

/** Up to where a viewer knows everything, by its own word. */
export interface Known {
  readonly board: string;
  readonly sequence: number;
}

export interface LiveViewer {
  /** What it may see was asked anew; when that changed it begins again with a snapshot. */
  mayView(view: LiveView): void;
  leave(): void;
}

export interface LiveViewers {
  add(pipe: Pipe, view: LiveView, known: Known | null): LiveViewer;
  /** Has more unsent than is good. */
  isBehind(pipe: Pipe): boolean;
  close(): void;
}

interface Following {
  readonly pipe: Pipe;
  view: LiveView;
  /** Everything up to here is on its way. */
  sequence: number;
  /** What of a snapshot is still to be sent. */
  snapshot: { readonly part: number; readonly rows: readonly LiveCallRow[] } | null;
}

/**
 * Viewers of a board, each with nothing but the number it has got to: a slow one holds no messages, only its place, and
 * where the board has gone on too far it takes a snapshot.
 */
export function createLiveViewers(board: LiveBoard): LiveViewers {
  const texts = createLiveTexts(board);
  const all = new Set<Following>();
  let timer: NodeJS.Timeout | null = null;
  let told_at_ms = Number.NEGATIVE_INFINITY;

  const isBehind = (pipe: Pipe) => pipe.bufferedAmount > MOST_BUFFERED_bytes;

  function begin(viewer: Following): void {
    viewer.sequence = board.sequence();
    viewer.snapshot = { part: 0, rows: board.rows(viewer.view.scope) };
  }

  function sendPart(viewer: Following, { part, rows }: NonNullable<Following['snapshot']>): void {
    const { data, rest } = texts.snapshot(viewer.view, viewer.sequence, part, rows);
    viewer.pipe.send(data);
    viewer.snapshot = rest.length > 0 ? { part: part + 1, rows: rest } : null;
  }

  /** Tells a viewer what it lacks, as far as it reads. True when it has to be looked after again. */
  function tell(viewer: Following): boolean {
    while (viewer.snapshot || viewer.sequence < board.sequence()) {
      if (isBehind(viewer.pipe)) return true;
      if (viewer.snapshot) sendPart(viewer, viewer.snapshot);
      else {
        const batch = texts.changes(viewer.view, viewer.sequence);
        if (!batch) begin(viewer);
        else {
          viewer.sequence = batch.sequence;
          if (batch.data) viewer.pipe.send(batch.data);
        }
      }
    }
    return false;
  }

  function tellAll(): void {
    timer = null;
    told_at_ms = performance.now();
    const slow = [...all].filter(tell);
    texts.forget();
    if (slow.length > 0) schedule();
  }

  function schedule(): void {
    timer ??= setTimeout(tellAll, Math.max(0, told_at_ms + GATHER_ms - performance.now()));
  }

  function follow(viewer: Following): void {
    all.add(viewer);
    if (tell(viewer)) schedule();
    texts.forget();
  }

  const unwatch = [board.watch(schedule), board.watchGaps(schedule)];
  return {
    isBehind,
    add(pipe, view, known) {
      const viewer: Following = { pipe, view, sequence: known?.sequence ?? 0, snapshot: null };
      const resumes = known?.board === texts.boardOf(view) && board.since(known.sequence) !== null;
      if (resumes) pipe.send(texts.resumed(view, known.sequence));
      else begin(viewer);
      follow(viewer);
      return {
        mayView(next) {
          const changed = texts.boardOf(next) !== texts.boardOf(viewer.view);
          viewer.view = next;
          if (!changed) return;
          begin(viewer);
          follow(viewer);
        },
        leave: () => void all.delete(viewer),
      };
    },
    close() {
      for (const stop of unwatch) stop();
      if (timer) clearTimeout(timer);
      all.clear();
    },
  };
}
