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

const now = () => RealDate.now() + offset_ms;

read();
process.on('SIGUSR2', read);
globalThis.Date = new Proxy(RealDate, {
  construct: (date, args, made) => Reflect.construct(date, args.length === 0 ? [now()] : args, made),
  apply: () => new RealDate(now()).toString(),
  get: (date, name) => (name === 'now' ? now : Reflect.get(date, name)),
});
