import { type Style, styled } from './screen.ts';

/** A negative width sets the text to the right. */
export type Cell = readonly [text: string, width: number, ...styles: Style[]];

/** Exactly as many characters as `width` says. */
export function sized(text: string, width: number): string {
  const room = Math.abs(width);
  if (text.length > room) return room > 1 ? `${text.slice(0, room - 1)}…` : text.slice(0, room);
  return width < 0 ? text.padStart(room) : text.padEnd(room);
}

export function row(cells: readonly Cell[]): string {
  return cells.map(([text, width, ...styles]) => styled(sized(text, width), ...styles)).join(' ');
}

/** Room that these columns take, with the gap before each. */
export function widthOf(columns: Readonly<Record<string, number>>): number {
  return Object.values(columns).reduce((sum, width) => sum + Math.abs(width) + 1, 0);
}

export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((full) => sized(full, columns).trimEnd());
}
