import './substitutes.ts';
import { expect, test } from 'vitest';
import { historyOf } from './history.ts';
import { runHistory } from './run.ts';

test('first', async () => {
  const began = performance.now();
  let steps = 0;
  const count = Number(process.env.HISTORIES ?? 20);
  const seed = Number(process.env.SEED ?? 1);
  const bad = new Map<string, number[]>();
  for (let i = 0; i < count; i++) {
    const o = await runHistory(historyOf(seed + i));
    steps += o.steps;
    if (o.failure) {
      const k = o.failure.name === 'Broken' ? o.failure.message.split(': ')[0]! : o.failure.message.slice(0, 100);
      bad.set(k, [...(bad.get(k) ?? []), seed + i]);
      if (count === 1) {
        console.log(JSON.stringify(o.world.history, null, 1).slice(0, 6000));
        for (const t of o.world.told) console.log(t.at_ms, t.level, t.message, JSON.stringify(t.fields, (k, v) => v instanceof Error ? v.message : typeof v === 'bigint' ? String(v) : v).slice(0, 300));
        console.log(o.failure.stack);
      }
    }
  }
  console.log(count, 'histories', steps, 'steps', performance.now() - began, 'ms');
  for (const [k, v] of bad) console.log(v.length, k, v.slice(0, 8).join(' '));
  expect(bad.size).toBe(0);
}, 600_000);
