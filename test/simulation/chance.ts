/** Chance that comes out the same for the same seed. */
export interface Chance {
  /** At least 0 and below 1. */
  next(): number;
  /** A whole number between both, them included. */
  int(least: number, most: number): number;
  pick<T>(all: readonly T[]): T;
  odds(probability: number): boolean;
  /** Chance of its own, so that what one part asks does not move what another gets. */
  fork(): Chance;
}

/** Mulberry32: 32 bits of state are plenty for histories of some hundred choices. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    int,
    pick(all) {
      const one = all[int(0, all.length - 1)];
      if (one === undefined) throw new RangeError('nothing to pick from');
      return one;
    },
    odds: (probability) => next() < probability,
    fork: () => chanceOf(Math.floor(next() * 2 ** 32)),
  };
}
