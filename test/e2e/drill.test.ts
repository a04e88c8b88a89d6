import { afterAll, expect, inject, test } from 'vitest';
import { keepTraces } from '../../dev/drill/keep.ts';
import { SHORT_PLAN } from '../../dev/drill/plan.ts';
import { createRandom } from '../../dev/drill/random.ts';
import { reportLines } from '../../dev/drill/report.ts';
import { runDrill } from '../../dev/drill/run.ts';
import { buildStage } from '../../dev/drill/stage.ts';
import { passed } from '../../dev/drill/verdict.ts';
import { createClosers } from '../../dev/services/closers.ts';

const SEED = 42;
const RATE = 4;

const closers = createClosers();
afterAll(() => closers.closeAll());

test('the short drill is passed', { timeout: 300_000 }, async () => {
  const asterisk = inject('asterisk');
  if (asterisk.kind === 'missing') throw new Error(asterisk.message);
  const stage = await buildStage(closers, asterisk, createRandom(SEED + 1));
  const told: string[] = [];
  const result = await runDrill(stage, {
    plan: SHORT_PLAN,
    rate: RATE,
    random: createRandom(SEED),
    tell: (line) => told.push(line),
  });
  const report = [...told, ...reportLines(result)].join('\n');
  if (!passed(result.verdict)) keepTraces(stage, result.evidence);
  expect(passed(result.verdict), report).toBe(true);
  // It has seen something: calls were talked through all of it, and many were decided.
  const answered = result.evidence.carrier.filter((call) => call.answered_at_ms !== null);
  expect(answered.length, report).toBeGreaterThan(50);
  expect(result.decisions.count, report).toBeGreaterThan(50);
});
