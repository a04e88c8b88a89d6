import type { Socket } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { callOf, NO_BILL, watchLive } from './live-rows.ts';
import { addTown, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi({ live_ping_ms: 1_000 });
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const until = (condition: () => boolean, what: string) => waitUntil(condition, { timeout_ms: 15_000, what });

test('a viewer that does not read holds less than a megabyte, slows nobody, and is shown out', async () => {
  const sockets: Socket[] = [];
  api().app.server.on('connection', (socket) => sockets.push(socket));
  const many = Array.from({ length: 800 }, (_, index) => callOf(town.ours, `many-${index}`));
  for (const call of many) api().board.upsert(call);
  const [quick, stalled] = [
    await watchLive(api(), town.keys.master),
    await watchLive(api(), town.keys.master),
  ];
  stalled.socket.pause();
  let most_bytes = 0;
  let rounds = 0;
  let code = 0;
  stalled.closed.then((given) => {
    code = given;
  });
  const churn = setInterval(() => {
    rounds += 1;
    for (const call of many) {
      call.phase = rounds % 2 === 0 ? 'RINGING' : 'DIALLING';
      api().board.upsert(call);
    }
    most_bytes = Math.max(most_bytes, sockets[1]?.writableLength ?? 0);
  }, 100);
  // Looked after once a second: it is shown out at the second look at which it took nothing.
  const paused_at = performance.now();
  await until(() => rounds > 20 && performance.now() > paused_at + 5_000, 'looks enough');
  clearInterval(churn);
  expect(most_bytes).toBeGreaterThan(500_000);
  expect(most_bytes).toBeLessThan(1_000_000);
  const told_at = performance.now();
  const [last] = many;
  if (last) last.phase = 'ANSWERED';
  if (last) api().board.upsert(last);
  await until(() => quick.state().calls.get('many-0')?.phase === 'ANSWERED', 'the last state');
  expect(performance.now() - told_at).toBeLessThan(1_000);
  stalled.socket.resume();
  await until(() => code !== 0, 'the end');
  expect(code).toBe(4008);
  quick.socket.close();
  for (const call of many) api().board.remove(call, 'HANGUP', NO_BILL);
});
