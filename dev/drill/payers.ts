import type { PhoneAccount } from '../world/phone.ts';
import { addReseller, addSubscriber, type SubscriberOptions } from '../world/tenants.ts';
import type { World } from '../world/world.ts';

/** How somebody pays, and so what may go wrong with it. */
export type PayerKind = 'RICH' | 'POOR' | 'BUNDLE' | 'POSTPAID' | 'LIMITED';

export interface Payer {
  readonly kind: PayerKind;
  readonly subscriber_id: string;
  readonly name: string;
  readonly lines: readonly PhoneAccount[];
  /** How far below zero its balance may go. */
  readonly credit_limit_micros: bigint;
}

const LINES = 4;
const PLENTY_micros = 100_000_000_000n;
const PLENTY_OF_CALLS = 1_000;
/** A second costs 1,000 micros. */
const BY_THE_SECOND = { price_micros_per_minute: 60_000n, cadence: [1, 1, 0] } as const;

const OPTIONS: Readonly<Record<PayerKind, SubscriberOptions>> = {
  RICH: { billing_mode: 'PREPAID', balance_micros: PLENTY_micros, rate: BY_THE_SECOND },
  // Many calls at once on what pays for half a minute.
  POOR: { billing_mode: 'PREPAID', balance_micros: 30_000n, rate: BY_THE_SECOND },
  BUNDLE: {
    billing_mode: 'BUNDLE',
    bundles: { MOBILE_LOCAL: 300 },
    balance_micros: 200_000n,
    rate: BY_THE_SECOND,
  },
  POSTPAID: {
    billing_mode: 'POSTPAID',
    credit_limit_micros: 500_000n,
    rate: { price_micros_per_minute: 60_000n, cadence: [30, 6, 3] },
  },
  LIMITED: {
    billing_mode: 'POSTPAID',
    credit_limit_micros: PLENTY_micros,
    max_concurrent_calls: 3,
    rate: BY_THE_SECOND,
  },
};

/** Adds one subscriber of each kind to the installation. */
export async function addPayers({ database: { db }, server_id }: World): Promise<Payer[]> {
  const at = { reseller_id: await addReseller(db), server_id };
  const payers: Payer[] = [];
  for (const [kind, options] of Object.entries(OPTIONS) as [PayerKind, SubscriberOptions][]) {
    const subscriber = await addSubscriber(db, at, {
      max_concurrent_calls: PLENTY_OF_CALLS,
      name: kind,
      ...options,
    });
    const lines: PhoneAccount[] = [];
    for (let line = 0; line < LINES; line++)
      lines.push(await subscriber.addLine({ max_concurrent_calls: PLENTY_OF_CALLS }));
    const { credit_limit_micros = 0n } = options;
    payers.push({ kind, subscriber_id: subscriber.id, name: kind, lines, credit_limit_micros });
  }
  return payers;
}
