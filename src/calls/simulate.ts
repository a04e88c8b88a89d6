import { authorize, type LineFacts, type Verdict } from '../domain/authorize.ts';
import { grantFor, NO_GRANT } from '../domain/charge.ts';
import { cycleStart, nextCycleStart } from '../domain/cycle.ts';
import type { ReceiptFacts } from '../domain/receipt.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { readLeftSeconds, readWallets } from '../stores/postgres/wallets.ts';
import type { Directory } from './directory.ts';

export interface Simulation {
  readonly line: LineFacts;
  readonly verdict: Verdict;
  /** null: the call would be refused. */
  readonly facts: ReceiptFacts | null;
}

/**
 * What a call of a line would be and cost right now, by the very rules of a live one. Nothing is reserved, and what
 * running calls have reserved is not counted. null when there is no such line.
 */
export async function simulateCall(
  directory: Directory,
  tx: Tx,
  from: { readonly sip_username: string; readonly server_id: string },
  dialled: string,
  talk_ms: number,
): Promise<Simulation | null> {
  const [line, trunk] = [await directory.line(from.sip_username), await directory.trunk(from.server_id)];
  if (!line) return null;
  const now = new Date();
  const verdict = authorize(dialled, line, trunk, await directory.prices(line, trunk, now.getTime()));
  if (!verdict.permitted) return { line, verdict, facts: null };
  const { rate, wholesale, cost, slot } = verdict.permission;
  const { subscriber_id, cycle_day } = line.subscriber;
  const cycle = cycleStart(cycle_day, now);
  const left = slot ? await readLeftSeconds(tx, subscriber_id, slot, cycle) : 0;
  const grant = rate ? grantFor(talk_ms, rate, left) : NO_GRANT;
  const cycles = [cycle, nextCycleStart(cycle_day, cycle)] as const;
  return { line, verdict, facts: { rate, wholesale, cost, slot, talk_ms, grant, cycles } };
}

/** Whether a subscriber has so much money, its credit included. */
export async function canPay(tx: Tx, line: LineFacts, amount_micros: bigint): Promise<boolean> {
  const { subscriber_id, credit_limit_micros } = line.subscriber;
  const wallet = (await readWallets(tx, [subscriber_id])).get(subscriber_id);
  return amount_micros === 0n || (wallet?.balance_micros ?? 0n) + credit_limit_micros >= amount_micros;
}
