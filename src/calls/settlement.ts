import { type Bill, billCall } from '../domain/bill.ts';
import { billColumns } from '../stores/postgres/call-record.ts';
import type { EndReason } from '../stores/postgres/call-tables.ts';
import { type Db, isAway, isRefusedRow } from '../stores/postgres/connect.ts';
import { type CallRecord, type Settled, settleCalls } from '../stores/postgres/settlements.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import { NotOwner } from '../stores/redis/ownership.ts';
import type { LiveCall } from './live-call.ts';
import type { Log } from './log.ts';

/** How a call ended. `talk_ms` is by the switch's own clock. */
export interface CallEnd {
  readonly ended_at_ms: number;
  readonly talk_ms: number;
  readonly reason: EndReason;
  readonly q850: number | null;
}

export interface Settlement {
  readonly record: CallRecord;
  readonly bill: Bill;
}

/** The bill and the record of a call that is over. */
export function settlementOf(call: LiveCall, end: CallEnd): Settlement {
  const { facts, grant } = call;
  const bill = billCall(end.talk_ms, facts, grant, [facts.cycle_start, facts.next_cycle_start]);
  const record: CallRecord = {
    id: facts.call_id,
    server_id: facts.server_id,
    reseller_id: facts.reseller_id,
    subscriber_id: facts.subscriber_id,
    line_id: facts.line_id,
    trunk_id: facts.trunk_id,
    direction: facts.direction,
    caller_number: facts.caller_number,
    forwarded_from: facts.forwarded_from,
    ring_group_id: facts.ring_group_id,
    dialled: facts.dialled,
    number: facts.number,
    call_class: facts.call_class,
    csp: facts.csp,
    created_at: new Date(facts.created_at_ms),
    ringing_at: call.ringing_at_ms === null ? null : new Date(call.ringing_at_ms),
    answered_at: call.answered_at_ms === null ? null : new Date(call.answered_at_ms),
    ended_at: new Date(end.ended_at_ms),
    talk_ms: Math.max(0, Math.round(end.talk_ms)),
    ...billColumns(facts, grant, bill),
    bundle_slot: facts.slot,
    sales_plan_id: facts.plan_id,
    area_code: facts.area_code,
    billing_mode: facts.billing_mode,
    claims: facts.claims.map(({ level, direction, limit }) => ({ level, direction, limit })),
    loss: facts.loss,
    end_reason: end.reason,
    q850: end.q850,
  };
  return { record, bill };
}

export interface Settler {
  /** Takes over a record; it is kept and retried until the ledger has it and Redis let go of it. */
  add(record: CallRecord): void;
  /** Records that are not in the ledger yet. */
  waiting(): number;
  idle(): Promise<void>;
}

/**
 * Slots are free as soon as a call ends; only its reservation waits this long, so that calls which end close
 * together share one transaction.
 */
const LINGER_ms = 200;
const MAX_BATCH = 100;
const FIRST_RETRY_ms = 200;
const LAST_RETRY_ms = 5_000;
/** A failure that is neither the database's state nor its refusal is a fault of ours: it would fail for ever. */
const STRANGE_TRIES = 4;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Writes ended calls into the ledger, many in one transaction when many end, and then lets Redis go of what
 * they held. While a store is away records wait; the switch's journal has them too, should we die meanwhile.
 */
export function createSettler(db: Db, store: LiveCallStore, log: Log): Settler {
  const queue: CallRecord[] = [];
  /** Taken from the queue, and not in the ledger yet. */
  let underway = 0;
  let working: Promise<void> | null = null;

  const release = async (record: CallRecord, { wallets, resellers }: Settled) => {
    const { id: call_id, server_id, subscriber_id: payer, reseller_id } = record;
    const call = { call_id, server_id, payer, reseller_id };
    try {
      await store.settle(call, wallets.get(payer) ?? null, resellers.get(reseller_id) ?? null);
    } catch (error) {
      // Its new owner has found it among those that ended, and lets go of it.
      if (!(error instanceof NotOwner)) throw error;
    }
  };

  async function write(records: readonly CallRecord[]): Promise<void> {
    let strange = 0;
    for (let retry_ms = FIRST_RETRY_ms; ; retry_ms = Math.min(retry_ms * 2, LAST_RETRY_ms)) {
      try {
        await releaseAll(records, await settleCalls(db, records));
        return;
      } catch (error) {
        if (!isAway(error)) strange += 1;
        if (isRefusedRow(error) || strange >= STRANGE_TRIES) return refused(records, error as Error);
        log.warn({ err: error, waiting: queue.length + underway }, 'ledger is away; ended calls wait');
        await sleep(retry_ms * (0.5 + Math.random() / 2));
      }
    }
  }

  /** One bad record must not hold up the others: they are written apart, and the bad one is left to the journal. */
  async function refused(records: readonly CallRecord[], error: Error): Promise<void> {
    if (records.length > 1) {
      for (const record of records) await write([record]);
      return;
    }
    log.error(
      { err: error, call: records[0]?.id },
      'ledger refused the record of a call; its reservation stays',
    );
  }

  async function releaseAll(records: readonly CallRecord[], settled: Settled): Promise<void> {
    const results = await Promise.allSettled(records.map((record) => release(record, settled)));
    const left = records.filter((_, index) => results[index]?.status === 'rejected');
    if (left.length === 0) return;
    // They are in the ledger: writing them again changes nothing and reads the wallets anew.
    log.warn({ calls: left.length }, 'Redis is away; reservations of settled calls wait');
    setTimeout(() => {
      for (const record of left) add(record);
    }, LAST_RETRY_ms);
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      await sleep(LINGER_ms);
      const batch = queue.splice(0, MAX_BATCH);
      underway = batch.length;
      await write(batch);
      underway = 0;
    }
    working = null;
  }

  function add(record: CallRecord): void {
    queue.push(record);
    working ??= work();
  }

  return {
    add,
    waiting: () => queue.length + underway,
    async idle() {
      while (working) await working;
    },
  };
}
