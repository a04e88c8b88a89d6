/** Chance that a seed repeats. */
export interface Random {
  /** From 0 to below 1. */
  fraction(): number;
  /** A whole number from `least` to below `beyond`. */
  between(least: number, beyond: number): number;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

/** Mulberry32: 32 bits of state, each of which the seed fills. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function createRandom(seed: number): Random {
  const fraction = mulberry32(seed);
  const between = (least: number, beyond: number) => least + Math.floor(fraction() * (beyond - least));
  return {
    fraction,
    between,
    pick: (list) => {
      if (list.length === 0) throw new RangeError('pick of nothing');
      return list[between(0, list.length)] as never;
    },
    shuffled(list) {
      const rest = [...list];
      return list.map(() => rest.splice(between(0, rest.length), 1)[0] as never);
    },
  };
}
