/** A process whose timers are its own: with it they die. */
export interface Owner {
  dead: boolean;
}

/** Whose wall clock: each can be set apart from the others, while time itself goes on evenly. */
export type Host = 'control' | 'switch' | 'redis';

interface Timer {
  readonly at_ms: number;
  readonly order: number;
  readonly action: () => void;
  readonly owner: Owner;
  readonly every_ms: number | null;
  cancelled: boolean;
}

const WORLD: Owner = { dead: false };
const realImmediate = globalThis.setImmediate;

/** Lets everything run that waits for nothing but itself. */
export const settle = () => new Promise<void>((resolve) => realImmediate(resolve));

function isBefore(one: Timer, other: Timer): boolean {
  return one.at_ms < other.at_ms || (one.at_ms === other.at_ms && one.order < other.order);
}

/** Timers as a heap: the next one is first. */
class Timers {
  readonly heap: Timer[] = [];

  add(timer: Timer): void {
    const { heap } = this;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at] as Timer, heap[parent] as Timer)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  take(): Timer | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (last && first !== last) {
      heap[0] = last;
      this.sink(0);
    }
    return first;
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        const timer = heap[child];
        if (timer && isBefore(timer, heap[least] as Timer)) least = child;
      }
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  private swap(one: number, other: number): void {
    const { heap } = this;
    [heap[one], heap[other]] = [heap[other] as Timer, heap[one] as Timer];
  }
}

/**
 * A clock that moves by hand. Whatever is started while a timer of a process runs belongs to that process, because
 * everything that it sets off has come to rest before the next timer runs.
 */
export class Clock {
  mono_ms = 0;
  owner: Owner = WORLD;
  private readonly timers = new Timers();
  private readonly walls: Record<Host, number>;
  private order = 0;

  constructor(start_ms: number) {
    this.walls = { control: start_ms, switch: start_ms, redis: start_ms };
  }

  /** Milliseconds since 1970, as a host believes. */
  wall_ms(host: Host): number {
    return this.walls[host] + this.mono_ms;
  }

  step(host: Host, by_ms: number): void {
    this.walls[host] += by_ms;
  }

  /** Runs an action after a while, for whoever owns what runs now. */
  after(ms: number, action: () => void, every_ms: number | null = null): Timer {
    const wait = Math.max(Number.isFinite(ms) ? ms : 0, every_ms === null ? 0 : 1);
    const { owner } = this;
    const timer = {
      at_ms: this.mono_ms + wait,
      order: this.order++,
      action,
      owner,
      every_ms,
      cancelled: false,
    };
    this.timers.add(timer);
    return timer;
  }

  /** The same for the world outside of all processes. */
  atWorld(at_ms: number, action: () => void): Timer {
    return this.as(WORLD, () => this.after(at_ms - this.mono_ms, action));
  }

  as<T>(owner: Owner, action: () => T): T {
    const before = this.owner;
    this.owner = owner;
    try {
      return action();
    } finally {
      this.owner = before;
    }
  }

  /** Runs everything that is due until then, one after the other, and tells after each. */
  async runUntil(end_ms: number, told: () => void): Promise<void> {
    for (let next = this.timers.heap[0]; next && next.at_ms <= end_ms; next = this.timers.heap[0]) {
      this.timers.take();
      if (next.cancelled || next.owner.dead) continue;
      this.mono_ms = Math.max(this.mono_ms, next.at_ms);
      this.owner = next.owner;
      if (next.every_ms !== null) {
        this.timers.add(Object.assign(next, { at_ms: this.mono_ms + next.every_ms, order: this.order++ }));
      }
      next.action();
      await settle();
      this.owner = WORLD;
      told();
    }
    this.mono_ms = end_ms;
  }
}

/** Puts the clock in the place of the real one, and chance too. Gives what puts them back. */
export function install(clock: Clock, random: () => number): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    Date: globalThis.Date,
  };
  const handle = (timer: Timer) => Object.assign(timer, { unref: () => timer, ref: () => timer });
  const clear = (timer?: Timer) => {
    if (timer) timer.cancelled = true;
  };
  class HandDate extends real.Date {
    constructor(given: number | string = clock.wall_ms('control')) {
      super(given);
    }
    static override now = () => clock.wall_ms('control');
  }
  Object.assign(globalThis, {
    setTimeout: (action: (...all: unknown[]) => void, ms = 0, ...all: unknown[]) =>
      handle(clock.after(ms, () => action(...all))),
    setInterval: (action: () => void, ms: number) => handle(clock.after(ms, action, ms)),
    clearTimeout: clear,
    clearInterval: clear,
    Date: HandDate,
  });
  const { random: realRandom } = Math;
  Math.random = random;
  Object.defineProperty(performance, 'now', { configurable: true, value: () => clock.mono_ms });
  return () => {
    Object.assign(globalThis, real);
    Math.random = realRandom;
    Reflect.deleteProperty(performance, 'now');
  };
}
