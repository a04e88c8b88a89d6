/** The part of a terminal that is needed here; `process.stdout` is one. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): boolean;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const ESC = '\u001b[';
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36, inverse: 7 } as const;
export type Style = keyof typeof STYLES;

/** Takes no room on the screen: cut and pad a text before it is styled. */
export function styled(text: string, ...styles: readonly Style[]): string {
  if (styles.length === 0) return text;
  return `${ESC}${styles.map((style) => STYLES[style]).join(';')}m${text}${ESC}0m`;
}

/** The text of a styled line, for files. */
export function unstyled(text: string): string {
  const [first = '', ...rest] = text.split(ESC);
  return first + rest.map((part) => part.slice(part.indexOf('m') + 1)).join('');
}

export interface Screen {
  size(): { columns: number; rows: number };
  /** Shows these lines, which must fit; only those that differ from what is there are written. */
  paint(lines: readonly string[]): void;
  /** Gives the terminal back, with the last picture in it. */
  close(): void;
}

export function openScreen(terminal: Terminal): Screen {
  let shown: readonly string[] | null = null;
  const forget = () => {
    shown = null;
  };
  terminal.on('resize', forget);
  terminal.write(`${ESC}?25l`);
  return {
    size: () => ({ columns: terminal.columns ?? 80, rows: terminal.rows ?? 24 }),
    paint(lines) {
      const before = shown;
      const changed = lines.flatMap((line, index) =>
        before?.[index] === line ? [] : [`${ESC}${index + 1};1H${line}${ESC}K`],
      );
      const start = before === null ? `${ESC}H${ESC}2J` : '';
      const end =
        before === null || before.length > lines.length ? `${ESC}${lines.length + 1};1H${ESC}J` : '';
      if (changed.length > 0 || end !== '') terminal.write(start + changed.join('') + end);
      shown = lines;
    },
    close() {
      terminal.off('resize', forget);
      terminal.write(`${ESC}${(shown?.length ?? 0) + 1};1H${ESC}J${ESC}?25h`);
    },
  };
}
