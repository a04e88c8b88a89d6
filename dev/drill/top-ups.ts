import { createClient } from '../../src/contract/client.ts';
import { topUpRoute } from '../../src/contract/top-ups.ts';
import type { Stage } from './stage.ts';

const EVERY_ms = 7_000;
const PATIENCE_ms = 3_000;
/** Pays for some calls at once, and not for all of them. */
const AMOUNT_micros = '40000';

/** Pays a little in again and again for whoever has little, so that calls are always close to its end. */
export async function startTopUps({ world, payers }: Stage) {
  const poor = payers.filter(({ kind }) => kind === 'POOR');
  const call = createClient(
    world.control.url,
    (address, init) => fetch(address, { ...init, signal: AbortSignal.timeout(PATIENCE_ms) }),
    { authorization: `Bearer ${await world.token({ role: 'MASTER' })}` },
  );
  let paid = 0;
  const pay = async () => {
    // One that was not heard to succeed is tried again as the same, and must count once.
    const reference = `drill-${paid}`;
    for (const { subscriber_id } of poor) {
      await call(topUpRoute, {
        params: { subscriber_id },
        body: { amount_micros: AMOUNT_micros, reference },
        idempotency_key: `${subscriber_id}/${reference}`,
      });
    }
    paid += 1;
  };
  const timer = setInterval(() => pay().catch(() => {}), EVERY_ms);
  return { stop: () => clearInterval(timer) };
}
