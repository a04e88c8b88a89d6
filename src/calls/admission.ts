import type { Grant } from '../domain/charge.ts';
import { behind_ms, nextCycleStart } from '../domain/cycle.ts';
import type { LimitClaim, PaceClaim } from '../domain/limits.ts';
import type { Refusal } from '../domain/refusals.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { readResellerWallet } from '../stores/postgres/reseller-wallets.ts';
import { openWallet } from '../stores/postgres/wallets.ts';
import type { AdmitAnswer, AdmitInput, LiveCallStore } from '../stores/redis/live-calls.ts';
import { type CallFacts, encodeFacts } from './live-call.ts';

export type Admission =
  | {
      readonly admitted: true;
      readonly grant: Grant;
      readonly more_seconds: number;
      /** As it was admitted: the cycle may be another than the one asked for. */
      readonly facts: CallFacts;
    }
  /** `refusal: null`: the call is over already, there is nobody to refuse. */
  | { readonly admitted: false; readonly refusal: Refusal | null };

export interface Admissions {
  /** Takes the slots and the first slice, or says why not. Throws when that is not known: then nothing is to be kept. */
  admit(facts: CallFacts): Promise<Admission>;
  /** Takes over a call that runs already, with what was granted to it, past limits and means. */
  adopt(facts: CallFacts, grant: Grant): Promise<void>;
}

/** Says which slots are taken, and by which calls. */
export function limitReached(claim: LimitClaim, holders: readonly string[]): Refusal {
  const { level, direction, limit, reserved } = claim;
  const refusal: Refusal = { reason: 'LIMIT_REACHED', limit: { level, direction, limit, holders } };
  return reserved === 0 ? refusal : { ...refusal, detail: `RESERVED_IN ${reserved}` };
}

function tooFast({ level, calls_per_second: limit }: PaceClaim): Refusal {
  return { reason: 'TOO_FAST', limit: { level, direction: 'OUT', limit, holders: [] } };
}

function toAdmission({ answer, facts }: Asked): Admission {
  switch (answer.code) {
    case 'ADMITTED':
      return { admitted: true, grant: answer.grant, more_seconds: answer.more_seconds, facts };
    case 'LIMIT':
      return { admitted: false, refusal: limitReached(answer.claim, answer.holders) };
    case 'TOO_FAST':
      return { admitted: false, refusal: tooFast(answer.pace) };
    case 'DAILY_CAP':
    case 'NO_CREDIT':
    case 'RESELLER_NO_CREDIT':
      return { admitted: false, refusal: { reason: answer.code } };
    case 'ENDED':
      return { admitted: false, refusal: null };
    case 'NO_EPOCH':
    case 'WALLET_UNKNOWN':
    case 'RESELLER_UNKNOWN':
      return { admitted: false, refusal: { reason: 'CONTROL_UNAVAILABLE', detail: answer.code } };
  }
}

interface Asked {
  readonly answer: AdmitAnswer;
  readonly facts: CallFacts;
}

/** The call as one of a cycle that is open; it turns into a later one. */
function inCycle(facts: CallFacts, cycle_start: string): CallFacts {
  const { next_cycle_start: next } = facts;
  // Where the one that it would have turned into is open already, the one after that begins on the same day.
  const next_cycle_start = next > cycle_start ? next : nextCycleStart(Number(next.slice(8)), cycle_start);
  return { ...facts, cycle_start, next_cycle_start };
}

/** Asks the admission script, and loads wallets from the ledger when Redis does not have them yet. */
export function createAdmissions(
  db: Db,
  store: LiveCallStore,
  sliceSeconds: (facts: CallFacts) => number,
): Admissions {
  const once = (facts: CallFacts, adopt: Grant | null) => {
    const input: AdmitInput = {
      ...facts,
      payer: facts.subscriber_id,
      facts: encodeFacts(facts),
      behind_ms: behind_ms(new Date()),
      slice_seconds: Math.min(Math.max(1, sliceSeconds(facts)), facts.longest_seconds),
      adopt,
    };
    return store.admit(input);
  };

  /** Loads what is missing. Gives the facts with the cycle that the ledger has open for such a call. */
  async function load(facts: CallFacts, code: AdmitAnswer['code']): Promise<CallFacts | null> {
    if (code === 'RESELLER_UNKNOWN') {
      await store.loadResellerWallet(await readResellerWallet(db, facts.reseller_id));
      return facts;
    }
    if (code !== 'WALLET_UNKNOWN') return null;
    const wallet = await openWallet(db, facts, facts.cycle_start);
    await store.loadWallet(wallet);
    const known = facts.cycle_start === wallet.cycle_start || facts.cycle_start in wallet.left_seconds;
    return known ? facts : inCycle(facts, wallet.cycle_start);
  }

  async function ask(facts: CallFacts, adopt: Grant | null): Promise<Asked> {
    const first = await once(facts, adopt);
    let asked: Asked = { answer: first, facts };
    // At most twice: the subscriber's wallet, and the reseller's.
    for (let loads = 0; loads < 2; loads += 1) {
      const loaded = await load(asked.facts, asked.answer.code);
      if (!loaded) break;
      asked = { answer: await once(loaded, adopt), facts: loaded };
    }
    return asked;
  }

  /** Redis may have admitted a call without our hearing of it. What cannot be let go of now, reconciliation finds. */
  async function giveUp({ subscriber_id: payer, ...facts }: CallFacts): Promise<void> {
    await store.settle({ ...facts, payer }, null, null).catch(() => {});
  }

  return {
    async admit(facts) {
      try {
        return toAdmission(await ask(facts, null));
      } catch (error) {
        await giveUp(facts);
        throw error;
      }
    },
    async adopt(facts, grant) {
      const { answer } = await ask(facts, grant);
      if (answer.code !== 'ADMITTED' && answer.code !== 'ENDED')
        throw new Error(`cannot adopt a call: ${answer.code}`);
    },
  };
}
