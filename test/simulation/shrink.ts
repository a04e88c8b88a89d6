import type { History } from './history.ts';

/**
 * Leaves actions out as long as the history goes on failing, so that what is left is what it takes. `fails` is asked a few
 * hundred times at most.
 */
export async function shrink(
  history: History,
  fails: (smaller: History) => Promise<boolean>,
): Promise<History> {
  let smallest = history;
  for (let size = Math.ceil(history.actions.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let at = 0; at < smallest.actions.length; ) {
      const actions = smallest.actions.toSpliced(at, size);
      const smaller = { ...smallest, actions };
      if (await fails(smaller)) smallest = smaller;
      else at += size;
    }
  }
  return smallest;
}
