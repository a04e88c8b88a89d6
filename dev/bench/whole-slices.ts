import { randomUUID } from 'node:crypto';
import type { AdmitInput, LiveCallStore } from '../../src/stores/redis/live-calls.ts';

const CYCLE = '2026-11-10';
const NEXT_CYCLE = '2026-12-10';
const SERVER = '7d2f0c52-6f0b-4f3e-9a6e-2f1f2b9f5a10';
const PLENTY_micros = 1_000_000_000_000n;
const RATE = {
  price_micros_per_minute: 60_000n,
  cadence: { initial_seconds: 30, increment_seconds: 6, free_threshold_seconds: 3 },
};
const MEANS = {
  credit_micros: 0n,
  reseller_credit_micros: 0n,
  daily_cap_micros: 500_000_000_000n,
  behind_ms: 3 * 3_600_000,
  slice_seconds: 60,
};

/** As much as the facts of a real call are long. */
const FACTS = JSON.stringify({ facts: 'x'.repeat(1_500) });

function inputOf(call_id: string, payer: string): AdmitInput {
  const claim = (level: 'LINE' | 'SUBSCRIBER' | 'RESELLER' | 'TRUNK', direction: 'OUT' | 'TOTAL') => ({
    level,
    direction,
    id: level === 'RESELLER' || level === 'TRUNK' ? 'all' : payer,
    limit: 1_000,
    reserved: 0,
  });
  return {
    call_id,
    server_id: SERVER,
    payer,
    reseller_id: 'bench',
    facts: FACTS,
    cycle_start: CYCLE,
    next_cycle_start: NEXT_CYCLE,
    rate: RATE,
    wholesale: RATE,
    slot: 'MOBILE_LOCAL',
    ...MEANS,
    claims: [
      claim('LINE', 'TOTAL'),
      claim('SUBSCRIBER', 'OUT'),
      claim('SUBSCRIBER', 'TOTAL'),
      claim('RESELLER', 'TOTAL'),
      claim('TRUNK', 'TOTAL'),
    ],
    paces: [],
    adopt: null,
  };
}

/** Everything that the product's scripts do: five levels, minutes and money, daily cap, the reseller's wallet. */
export async function wholeSlices(
  store: LiveCallStore,
  payers: readonly string[],
): Promise<(call: string, payer: string) => Promise<void>> {
  await store.beginEpoch();
  for (const subscriber_id of payers) {
    await store.loadWallet({
      subscriber_id,
      version: 1n,
      balance_micros: PLENTY_micros,
      cycle_start: CYCLE,
      spend_day: '2000-01-01',
      spent_micros: 0n,
      // Half of the payers have minutes.
      left_seconds: {
        [CYCLE]: { MOBILE_LOCAL: payers.indexOf(subscriber_id) % 2 === 0 ? 2_000_000_000 : 0 },
      },
    });
  }
  await store.loadResellerWallet({ reseller_id: 'bench', version: 1n, balance_micros: PLENTY_micros });
  return async (call, payer) => {
    const call_id = `${call}-${randomUUID().slice(0, 8)}`;
    const admitted = await store.admit(inputOf(call_id, payer));
    if (admitted.code !== 'ADMITTED') throw new Error(`admit-call answered ${admitted.code}`);
    const extended = await store.extend({
      ...MEANS,
      call_id,
      payer,
      reseller_id: 'bench',
      turn_seconds: null,
    });
    if (extended.code !== 'EXTENDED') throw new Error(`extend-call answered ${extended.code}`);
    await store.end(call_id, SERVER);
    await store.settle({ call_id, server_id: SERVER, payer, reseller_id: 'bench' }, null, null);
  };
}
