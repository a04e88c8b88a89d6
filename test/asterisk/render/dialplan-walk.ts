/** What of a rendered dialplan can be followed without an Asterisk: patterns, `Goto`, `GotoIf` and plain variables. */
export interface Dialplan {
  /** Follows a call from an extension until a context that is not among `within`; null: no extension fits. */
  walk(at: Place, variables: Readonly<Record<string, string>>, within: ReadonlySet<string>): Arrival | null;
}

export interface Place {
  readonly context: string;
  readonly exten: string;
}

interface Arrival extends Place {
  readonly variables: Readonly<Record<string, string>>;
}

interface Row {
  readonly pattern: string;
  readonly steps: string[];
}

const CLASSES: Readonly<Record<string, string>> = { X: '0123456789', Z: '123456789', N: '23456789' };

/** The characters that fit at each place of a pattern. */
function places(pattern: string): string[] {
  if (!pattern.startsWith('_')) return [...pattern];
  return (pattern.slice(1).match(/\[[^\]]+\]|./g) ?? []).map((place) => {
    if (!place.startsWith('[')) return CLASSES[place] ?? place;
    return place
      .slice(1, -1)
      .replace(/(\d)-(\d)/g, (_, from, to) => '0123456789'.slice(Number(from), Number(to) + 1));
  });
}

function fits(pattern: string, exten: string): boolean {
  const sets = places(pattern);
  return sets.length === exten.length && sets.every((set, index) => set.includes(exten[index] ?? '\0'));
}

/** Asterisk takes the pattern that fits fewer characters at the first place where two differ. */
function compare(one: string, other: string): number {
  const [left, right] = [places(one), places(other)];
  const at = left.findIndex((set, index) => set.length !== right[index]?.length);
  return at === -1 ? 0 : (left[at]?.length ?? 0) - (right[at]?.length ?? 0);
}

function read(lines: readonly string[]): Map<string, Row[]> {
  const contexts = new Map<string, Row[]>();
  let rows: Row[] = [];
  for (const line of lines) {
    const context = /^\[(.+)\]$/.exec(line)?.[1];
    const [, pattern, first] = /^exten => ([^,]+),1,(.+)$/.exec(line) ?? [];
    const next = /^ same => n(?:\(\w+\))?,(.+)$/.exec(line)?.[1];
    if (context) {
      rows = [];
      contexts.set(context, rows);
    } else if (pattern && first) rows.push({ pattern, steps: [first] });
    else if (next) rows.at(-1)?.steps.push(next);
  }
  return contexts;
}

/** `${NAME}`, `${NAME:2}` and `${NAME:0:2}`. */
function filled(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?::(\d+))?(?::(\d+))?\}/g, (_, name, from = '0', length) => {
    const value = (variables[name] ?? '').slice(Number(from));
    return length === undefined ? value : value.slice(0, Number(length));
  });
}

export function readDialplan(lines: readonly string[]): Dialplan {
  const contexts = read(lines);

  function step(at: Place, variables: Record<string, string>): Place | null {
    const rows = contexts.get(at.context) ?? [];
    const row = rows
      .filter(({ pattern }) => fits(pattern, at.exten))
      .sort((a, b) => compare(a.pattern, b.pattern))[0];
    for (const text of (row ?? rows.find(({ pattern }) => pattern === 'i'))?.steps ?? []) {
      const done = filled(text, { ...variables, EXTEN: at.exten });
      const [, name, value] = /^Set\((\w+)=(.*)\)$/.exec(done) ?? [];
      const [, condition, yes, no] = /^GotoIf\(\$\[(.*)\]\?(.+):(.+)\)$/.exec(done) ?? [];
      const to = condition === undefined ? /^Goto\((.+)\)$/.exec(done)?.[1] : condition === '0' ? no : yes;
      if (name) variables[name] = value ?? '';
      else if (to) return { context: to.split(',')[0] ?? '', exten: to.split(',')[1] ?? '' };
      else throw new Error(`cannot be followed: ${text}`);
    }
    return null;
  }

  return {
    walk(at, given, within) {
      const variables = { ...given };
      let place: Place | null = at;
      while (place && within.has(place.context)) place = step(place, variables);
      return place && { ...place, variables };
    },
  };
}
