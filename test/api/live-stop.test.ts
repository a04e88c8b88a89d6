import { expect, test } from 'vitest';
import { watchLive } from './live-rows.ts';
import { useApi } from './use-api.ts';

const api = useApi();
test('the service stops while viewers watch', async () => {
  const viewer = await watchLive(api(), await api().key({ role: 'MASTER' }));
  const late = new Promise((resolve) => setTimeout(resolve, 5_000, 'still there'));
  const stopped = api()
    .app.close()
    .then(() => 'stopped');
  expect(await Promise.race([stopped, late])).toBe('stopped');
  expect(await viewer.closed).toBe(1001);
});
