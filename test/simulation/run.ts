import { chanceOf } from './chance.ts';
import { install, settle } from './clock.ts';
import { checkEnd } from './final-rules.ts';
import { type History, isFault } from './history.ts';
import type { Meddle } from './redis-client.ts';
import { checkStep } from './rules.ts';
import type { Tape } from './tape.ts';
import { checkCaps, checkTogether, checkUse } from './use-rules.ts';
import { World } from './world.ts';

/** What became of a history. */
export interface Outcome {
  readonly world: World;
  readonly failure: Error | null;
  readonly steps: number;
}

/** When everything is over and whatever comes again by itself has come round. */
const QUIET_ms = 560_000;

function lastOf({ actions }: History): number {
  const ends = actions.map((action) => {
    if (isFault(action)) return action.at_ms + action.for_ms;
    if (action.do !== 'DIAL') return action.at_ms;
    const { ring_ms, answer_ms, talk_ms } = action.plan;
    return action.at_ms + 5_000 + ring_ms + (answer_ms === null ? 120_000 : answer_ms + talk_ms);
  });
  return Math.max(0, ...ends);
}

const asIs: Meddle = (_, lua) => lua;

/** Runs one history from its beginning to its end and checks the rules after every step. */
export async function runHistory(
  history: History,
  meddle: Meddle = asIs,
  tape: Tape = () => {},
): Promise<Outcome> {
  const world = new World(history, meddle, tape);
  const { clock } = world;
  const restore = install(clock, chanceOf(history.seed ^ 0xc0ffee).next);
  let failure: Error | null = null;
  let [steps, checked] = [0, -1];
  try {
    await world.open();
    await clock.runUntil(lastOf(history) + QUIET_ms, () => {
      steps += 1;
      const changes = world.changes();
      if (changes === checked) return;
      checkStep(world);
      checkUse(world);
      checked = changes;
    });
    await checkEnd(world);
    checkCaps(world);
    checkTogether(world);
  } catch (error) {
    failure = error as Error;
  } finally {
    world.process.kill();
    await settle();
    restore();
  }
  return { world, failure, steps };
}
