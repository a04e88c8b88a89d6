import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** /proc counts in hundredths of a second, whatever the kernel's own clock is. */
const TICK_ms = 10;

interface ProcessTimes {
  readonly parent: number;
  /** Its own, of all its threads. */
  readonly own_ms: number;
  /** Of its children that have ended. */
  readonly ended_ms: number;
}

/** null for a process that is gone. */
function timesOf(pid: number): ProcessTimes | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name in parentheses may contain anything; state is field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field - 3]);
  return {
    parent: ticks(4),
    own_ms: (ticks(14) + ticks(15)) * TICK_ms,
    ended_ms: (ticks(16) + ticks(17)) * TICK_ms,
  };
}

/** CPU time that a process with all its threads has used since it started. */
export function processCpu_ms(pid: number): number {
  const times = timesOf(pid);
  if (!times) throw new Error(`process ${pid} is gone in the middle of a measurement`);
  return times.own_ms;
}

/** The same with everything that the process started, ended or not. */
export function familyCpu_ms(pid: number): number {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(Number(name)) : null;
    if (times) all.set(Number(name), times);
  }
  const belongs = (member: number): boolean => {
    const parent = all.get(member)?.parent ?? 0;
    return member === pid || (parent > 0 && belongs(parent));
  };
  return [...all]
    .filter(([member]) => belongs(member))
    .reduce((sum, [, { own_ms, ended_ms }]) => sum + own_ms + ended_ms, 0);
}

/** Time for which the cores worked on any process, or were taken away by the host of a virtual machine. */
function machineBusy_ms(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + steal) * TICK_ms;
}

/**
 * Starts to watch how much of the cores others take: what neither this process nor anything it started used.
 * The function gives the share since then, 0 to 1.
 */
export function watchOthers(): () => number {
  const count = () => ({
    at_ms: performance.now(),
    others_ms: machineBusy_ms() - familyCpu_ms(process.pid),
  });
  const start = count();
  return () => {
    const now = count();
    const available_ms = (now.at_ms - start.at_ms) * availableParallelism();
    return Math.max(0, now.others_ms - start.others_ms) / available_ms;
  };
}
