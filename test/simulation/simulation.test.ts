import './substitutes.ts';
import { expect, test } from 'vitest';
import { historyOf } from './history.ts';
import { shrink } from './shrink.ts';
import { runHistory } from './run.ts';

test('first', async () => {
  const began = performance.now();
  let steps = 0;
  const count = Number(process.env.HISTORIES ?? 20);
  const seed = Number(process.env.SEED ?? 1);
  const bad = new Map<string, number[]>();
  const kindOf = (f: Error) => f.name === 'Broken' ? f.message.split(': ')[0]! : f.message.slice(0, 100);
  for (let i = 0; i < count; i++) {
    const o = await runHistory(historyOf(seed + i));
    steps += o.steps;
    if (o.failure) {
      const k = kindOf(o.failure);
      bad.set(k, [...(bad.get(k) ?? []), seed + i]);
      if (count === 1) {
        const small = await shrink(o.world.history, async (h) => { const f = (await runHistory(h)).failure; return f !== null && kindOf(f) === k; });
        const p = await runHistory(small);
        const {actions, ...rest} = small;
        console.log(JSON.stringify(rest)); for (const a of actions) console.log(JSON.stringify(a));
        const lines = [...p.world.told.map((t) => [t.at_ms, `${t.level} ${t.message} ${JSON.stringify(t.fields, (_, v) => v instanceof Error ? v.message : typeof v === 'bigint' ? String(v) : v).slice(0, 300)}`] as const)];
        for (const t of lines.slice(0, 80)) console.log(...t);
        for (const c of p.world.calls()) console.log(c.call_id, c.plan.to, 'let go', c.let_go_ms, c.exten, 'ans', c.answered_ms, 'end', c.ended_ms, c.ended_by, c.offline);
        console.log(p.failure!.stack!.slice(0, 1500));
      }
    }
  }
  console.log(count, 'histories', steps, 'steps', performance.now() - began, 'ms');
  for (const [k, v] of bad) console.log(v.length, k, v.slice(0, 8).join(' '));
  expect(bad.size).toBe(0);
}, 600_000);
