import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CsvError, parse } from 'csv-parse';
import type { Fault, Faults } from '../contract/jobs.ts';
import { say } from '../contract/language.ts';
import type { DeckRow } from '../domain/deck.ts';
import {
  Refused,
  readActive,
  readCadence,
  readKind,
  readLocality,
  readPrefix,
  readPrice,
} from './deck-cells.ts';
import {
  COLUMN_NAMES,
  type DeckColumn,
  isHeader,
  type Layout,
  layoutOf,
  readHeader,
} from './deck-columns.ts';
import { decodeText } from './decode-text.ts';

export interface ReadDeck {
  /** Rows of the file, good and faulty ones. */
  readonly read: number;
  /** Those without fault. Nothing of a file with faults may be used. */
  readonly rows: readonly DeckRow[];
  readonly faults: Faults;
}

export const MOST_ROWS = 200_000;
const MOST_LISTED = 1_000;
const SHOWN_CHARACTERS = 40;
/** Between two slices everybody else has a turn: calls are decided in the same process. */
const SLICE_CHARACTERS = 16 * 1024;

const NO_ROWS = say('the file has no rows', 'o arquivo não tem linhas');
const TOO_MANY = say('the file has more than 200,000 rows', 'o arquivo tem mais de 200.000 linhas');
const QUOTES = say(
  'quotes do not match: write a quote inside a cell twice, and none around half a cell',
  'as aspas não fecham: escreva duas vezes uma aspa dentro da célula, e nenhuma em volta de meia célula',
);

/** What is shown of a value: no more than a line has room for, and nothing that cannot be stored as text. */
function shown(value: string): string {
  return [...value.slice(0, SHOWN_CHARACTERS * 2)]
    .slice(0, SHOWN_CHARACTERS)
    .join('')
    .replace(/[\p{Cc}\p{Cs}]/gu, '\uFFFD');
}

function createFaults() {
  const first: Fault[] = [];
  let count = 0;
  return {
    add(line: number | null, column: DeckColumn | null, value: string | null, reason: string) {
      count += 1;
      if (first.length === MOST_LISTED) return;
      const name = column && COLUMN_NAMES[column];
      first.push({ line, column: name, value: value === null ? null : shown(value), reason });
    },
    all: (): Faults => ({ count, first }),
  };
}

/** The sign between cells: whichever is most often in the first line that has text, outside of quotes. */
function separatorOf(text: string): string {
  const line = /^.*\S.*$/m.exec(text)?.[0].replace(/"[^"]*"/g, '') ?? '';
  const times = (sign: string) => line.split(sign).length;
  return [';', '\t', ','].reduce((best, sign) => (times(sign) > times(best) ? sign : best));
}

async function* slicesOf(text: string, enough: () => boolean): AsyncGenerator<string> {
  for (let from = 0; from < text.length && !enough(); from += SLICE_CHARACTERS) {
    yield text.slice(from, from + SLICE_CHARACTERS);
    await setImmediate();
  }
}

const isBlank = (cells: readonly string[]) => cells.every((cell) => cell.trim() === '');

type Complain = (column: DeckColumn, value: string, reason: string) => void;

/** One row; null after a complaint. */
function readRow(cells: readonly string[], layout: Layout, complain: Complain): DeckRow | null {
  let good = true;
  const cell = (column: DeckColumn) => cells[layout.indexOf(column)] ?? '';
  const take = <T>(column: DeckColumn, reader: (cell: string) => T | Refused, value = cell(column)): T => {
    const taken = reader(value);
    if (!(taken instanceof Refused)) return taken;
    good = false;
    complain(column, value, taken.reason);
    // The row is not used.
    return undefined as T;
  };
  const three = ['initial', 'increment', 'threshold'] as const;
  const cadence = layout.includes('cadence') ? cell('cadence') : three.map(cell).join('/');
  const row: DeckRow = {
    prefix: take('prefix', readPrefix),
    locality: take('locality', readLocality),
    kind: take('kind', readKind),
    price_micros_per_minute: take('price', readPrice),
    cadence: take('cadence', readCadence, cadence),
    active: take('active', readActive),
  };
  return good ? row : null;
}

/** Makes rows of the records of a file, each with the line that it begins in. */
function createRows() {
  const rows: DeckRow[] = [];
  const faults = createFaults();
  /** The line of each prefix. */
  const lines = new Map<string, number>();
  let layout: Layout | null = null;
  let read = 0;
  let unreadable = false;

  function begin(line: number, cells: readonly string[]): void {
    const header = readHeader(cells);
    for (const { value, reason } of header.faults) faults.add(line, null, value, reason);
    unreadable = header.faults.length > 0;
    layout = header.layout;
  }

  function add(line: number, cells: readonly string[]): void {
    read += 1;
    layout ??= layoutOf(cells.length);
    if (layout?.length !== cells.length) {
      const [en, pt] = layout ? [layout.length, layout.length] : ['5 to 8', '5 a 8'];
      const [has, tem] = [`has ${cells.length} columns`, `tem ${cells.length} colunas`];
      faults.add(line, null, null, say(`${has}, not ${en}`, `${tem}, e não ${pt}`));
      return;
    }
    const row = readRow(cells, layout, (...complaint) => faults.add(line, ...complaint));
    if (!row) return;
    const other = lines.get(row.prefix);
    if (other === undefined) {
      lines.set(row.prefix, line);
      rows.push(row);
    } else {
      const reason = say(`is in line ${other} already`, `já está na linha ${other}`);
      faults.add(line, 'prefix', row.prefix, reason);
    }
  }

  const full = () => read > MOST_ROWS;
  return {
    faults,
    full,
    /** Whether more records would tell nothing. */
    enough: () => full() || unreadable,
    record(line: number, cells: readonly string[]): void {
      if (isBlank(cells) || full() || unreadable) return;
      if (read === 0 && layout === null && isHeader(cells)) begin(line, cells);
      else add(line, cells);
    },
    all: (): ReadDeck => ({ read, rows, faults: faults.all() }),
  };
}

const refused = (reason: string): ReadDeck => ({
  read: 0,
  rows: [],
  faults: { count: 1, first: [{ line: null, column: null, value: null, reason }] },
});

/**
 * Reads a prefix deck: `prefix · locality · F/C · price a minute · cadence (one column, or three) · active`, between
 * `;`, tabs or commas, with or without names in the first line. A file with any fault is to be refused as a whole.
 */
export async function readDeckFile(bytes: Uint8Array): Promise<ReadDeck> {
  const { text, refusal } = decodeText(bytes);
  if (text === undefined) return refused(refusal);
  const deck = createRows();
  let lines = 0;
  const parser = parse({
    delimiter: separatorOf(text),
    record_delimiter: '\n',
    relax_column_count: true,
    // A record is a row, nothing or a fault: none of them travels any further.
    on_record: (cells: string[], at) => {
      deck.record(lines + 1, cells);
      lines = at.lines;
      return null;
    },
  });
  try {
    for await (const _ of Readable.from(slicesOf(text, deck.enough)).pipe(parser));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (!deck.enough()) deck.faults.add(lines + 1, null, null, QUOTES);
  }
  if (deck.full()) return refused(TOO_MANY);
  const all = deck.all();
  return all.read === 0 && all.faults.count === 0 ? refused(NO_ROWS) : all;
}
