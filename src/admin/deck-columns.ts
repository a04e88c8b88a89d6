import { say } from '../contract/language.ts';
import { folded } from './deck-cells.ts';

/** What the columns of a deck hold. A cadence has one column (`30/6/3`), or three. */
export type DeckColumn =
  | 'prefix'
  | 'locality'
  | 'kind'
  | 'price'
  | 'cadence'
  | 'initial'
  | 'increment'
  | 'threshold'
  | 'active';

/** Which column stands where. */
export type Layout = readonly DeckColumn[];

export const COLUMN_NAMES: Readonly<Record<DeckColumn, string>> = {
  prefix: say('prefix', 'prefixo'),
  locality: say('locality', 'localidade'),
  kind: say('F/C', 'F/C'),
  price: say('price', 'preço'),
  cadence: say('cadence', 'cadência'),
  initial: say('first block', 'primeiro bloco'),
  increment: say('increment', 'incremento'),
  threshold: say('free threshold', 'carência'),
  active: say('active', 'ativo'),
};

/** Names of columns as people write them, without case, accents and signs. */
const WRITTEN: Readonly<Record<DeckColumn, readonly string[]>> = {
  prefix: ['prefixo', 'prefix', 'codigo', 'code'],
  locality: ['localidade', 'locality', 'destino', 'destination'],
  kind: ['fc', 'fm', 'tipo', 'type', 'kind'],
  price: [
    'preco',
    'precoporminuto',
    'precominuto',
    'precormin',
    'tarifa',
    'valor',
    'rmin',
    'price',
    'priceperminute',
    'pricebrlperminute',
    'rate',
  ],
  cadence: ['cadencia', 'cadence'],
  initial: ['primeirobloco', 'primeiro', 'inicial', 'first', 'firstblock', 'initial', 'initialseconds'],
  increment: ['incremento', 'increment', 'incrementseconds'],
  threshold: ['carencia', 'threshold', 'freethreshold', 'freethresholdseconds'],
  active: ['ativo', 'ativa', 'active'],
};
const BY_NAME = new Map(
  Object.entries(WRITTEN).flatMap(([column, names]) =>
    names.map((name) => [name, column as DeckColumn] as const),
  ),
);

const ONE: Layout = ['prefix', 'locality', 'kind', 'price', 'cadence'];
const THREE: Layout = ['prefix', 'locality', 'kind', 'price', 'initial', 'increment', 'threshold'];
const BY_COUNT = new Map<number, Layout>(
  [ONE, [...ONE, 'active'] as const, THREE, [...THREE, 'active'] as const].map((all) => [all.length, all]),
);

/** The columns of a file without names, by how many there are: `active` may be missing. */
export function layoutOf(count: number): Layout | null {
  return BY_COUNT.get(count) ?? null;
}

/** A first line whose first cell has a letter and no digit names the columns. */
export function isHeader(cells: readonly string[]): boolean {
  const [first = ''] = cells;
  return /\p{L}/u.test(first) && !/\d/.test(first);
}

export interface Header {
  /** In the order of the file; of no use when there are faults. */
  readonly layout: Layout;
  readonly faults: readonly { readonly value: string | null; readonly reason: string }[];
}

const UNKNOWN = say(
  'is no known column. Known are prefix, locality, F/C, price, cadence (or first, increment, threshold), active',
  'não é uma coluna conhecida. São: prefixo, localidade, F/C, preço, cadência (ou primeiro, incremento, carência), ativo',
);
const TWICE = say('this column is there twice', 'esta coluna aparece duas vezes');
const MISSING = say(
  'a column is missing: prefix, locality, price and cadence (or first, increment and threshold) must be there',
  'falta uma coluna: prefixo, localidade, preço e cadência (ou primeiro, incremento e carência) são necessárias',
);

function isComplete(layout: Layout): boolean {
  const has = (...columns: DeckColumn[]) => columns.filter((column) => layout.includes(column)).length;
  const three = has('initial', 'increment', 'threshold');
  return has('prefix', 'locality', 'price') === 3 && (three === 0 ? has('cadence') === 1 : three === 3);
}

/** The columns in the order that a first line names them. */
export function readHeader(cells: readonly string[]): Header {
  const named = cells.map((cell) => BY_NAME.get(folded(cell)));
  const faults = cells.flatMap((value, at): Header['faults'] => {
    if (named[at] === undefined) return [{ value, reason: UNKNOWN }];
    return named.indexOf(named[at]) < at ? [{ value, reason: TWICE }] : [];
  });
  const layout = named.filter((column) => column !== undefined);
  if (faults.length > 0 || isComplete(layout)) return { layout, faults };
  return { layout, faults: [{ value: null, reason: MISSING }] };
}
