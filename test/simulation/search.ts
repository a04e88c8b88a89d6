import { type History, historyOf } from './history.ts';
import type { Meddle } from './redis-client.ts';
import { type Outcome, runHistory } from './run.ts';
import type { World } from './world.ts';

/** The rule that was broken, or what was thrown. */
const kindOf = (failure: Error) => failure.message.split(':', 1)[0] ?? '';

/**
 * Leaves actions out as long as the history goes on breaking the same rule, so that what is left is what it takes: halves
 * first, then one after the other.
 */
async function shrink(history: History, broken: Error): Promise<Outcome> {
  let smallest = await runHistory(history);
  for (let size = Math.ceil(history.actions.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.world.history.actions.length; ) {
      const { actions, ...rest } = smallest.world.history;
      const smaller = await runHistory({ ...rest, actions: actions.toSpliced(at, size) });
      if (smaller.failure && kindOf(smaller.failure) === kindOf(broken)) smallest = smaller;
      else at += size;
    }
  }
  return smallest;
}

const asText = (value: unknown) =>
  JSON.stringify(value, (_, one) => {
    if (typeof one === 'bigint') return `${one}n`;
    return one instanceof Error ? one.message : one;
  });

/** What happened, for somebody who wants to know why. */
function account(world: World): string[] {
  const { actions, ...setting } = world.history;
  return [
    asText(setting),
    ...actions.map(asText),
    ...world.told
      .slice(0, 60)
      .map(({ at_ms, level, message, fields }) => `${at_ms} ${level} ${message} ${asText(fields)}`),
    ...world
      .calls()
      .map(
        ({ call_id, plan, exten, let_go_ms, answered_ms, ended_ms, ended_by }) =>
          `${call_id} ${plan.to} ${exten} let go ${let_go_ms} answered ${answered_ms} ended ${ended_ms} ${ended_by}`,
      ),
  ];
}

/** Runs a history. Throws with the smallest one that breaks the same rule, and how to run it again. */
export async function mustHold(history: History): Promise<Outcome> {
  const outcome = await runHistory(history);
  if (!outcome.failure) return outcome;
  const smallest = await shrink(history, outcome.failure);
  const again = `npm run simulate -- --seed ${history.seed} --histories 1`;
  const lines = [String(smallest.failure?.message), again, ...account(smallest.world)];
  throw new Error(lines.join('\n'), { cause: smallest.failure });
}

/** The first of so many seeds whose history breaks a rule, and which; null when all hold. */
export async function firstBroken(
  seed: number,
  histories: number,
  meddle: Meddle,
): Promise<{ readonly seed: number; readonly rule: string } | null> {
  for (let next = seed; next < seed + histories; next += 1) {
    const { failure } = await runHistory(historyOf(next), meddle);
    if (failure) return { seed: next, rule: kindOf(failure) };
  }
  return null;
}
