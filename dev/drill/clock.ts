import { readFileSync } from 'node:fs';

/*
 * Loaded into the control plane before all else (node --import): its wall clock differs from the machine's by what a file
 * says, in milliseconds. The file is named in the query of this module's address, and read anew at each SIGUSR2. Clocks
 * that only go forward, and with them timers, stay as they are: so it is on a machine whose clock is set.
 */

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const RealDate = Date;
let offset_ms = 0;

function read(): void {
  offset_ms = Number(readFileSync(file, 'utf8')) || 0;
}

class SteppedDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(SteppedDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset_ms;
  }

  /** Also those that drivers made before, or in another way. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(RealDate, value);
  }
}

read();
process.on('SIGUSR2', read);
globalThis.Date = SteppedDate as DateConstructor;
