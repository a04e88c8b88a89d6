import { addReseller, addSubscriber } from '../world/tenants.ts';
import type { Installation } from './installation.ts';
import { noChannelLeft, placeCalls, setControl } from './place-calls.ts';
import { percentile } from './statistics.ts';

/** Money of each caller: so many seconds, one by one. */
const PAID_seconds = 4;
const PRICE_micros_per_minute = 60_000n;
const LATEST_ms = 250;
/** Longer than anybody can pay for. */
const TALK_ms = 15_000;

/** How long after its last paid second each call was cut, as its phone heard it, in ms. */
export async function measureCuts(
  { world }: Installation,
  { cuts, rate }: { readonly cuts: number; readonly rate: number },
): Promise<readonly number[]> {
  const { db } = world.database;
  const at = { reseller_id: await addReseller(db), server_id: world.server_id };
  const accounts = [];
  for (let caller = 0; caller < cuts; caller += 1) {
    const subscriber = await addSubscriber(db, at, {
      billing_mode: 'PREPAID',
      rate: { price_micros_per_minute: PRICE_micros_per_minute, cadence: [1, 1, 0] },
      balance_micros: (BigInt(PAID_seconds) * PRICE_micros_per_minute) / 60n,
    });
    accounts.push(await subscriber.addLine());
  }
  await setControl(world, true);
  await world.provisioned();
  const { until_cut_ms } = await placeCalls(world, accounts, { count: cuts, rate, talk_ms: TALK_ms });
  await noChannelLeft(world);
  if (until_cut_ms.length !== cuts)
    throw new Error(`${cuts - until_cut_ms.length} of ${cuts} calls were not cut: no measurement`);
  return until_cut_ms.map((ms) => ms - PAID_seconds * 1_000);
}

export function cutsLine(late_ms: readonly number[]): string {
  const [p1, p50, p99] = [1, 50, 99].map((percent) => percentile(late_ms, percent));
  const text = (ms = 0) => ms.toFixed(0);
  const verdict = (p99 ?? 0) <= LATEST_ms ? 'within' : 'BEYOND';
  return (
    `${late_ms.length} prepaid calls cut after ${PAID_seconds} paid seconds: ` +
    `p1 ${text(p1)}, p50 ${text(p50)}, p99 ${text(p99)} ms after the last paid second (${verdict} ${LATEST_ms})`
  );
}
