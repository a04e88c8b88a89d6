/** Tells the person at the terminal, in one short line on stderr, what set-up is being done. */
export function announce(text: string): void {
  process.stderr.write(`setup: ${text}\n`);
}
