import type { Grant } from '../domain/charge.ts';
import type { Refusal } from '../domain/refusals.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { openWallet } from '../stores/postgres/wallets.ts';
import type { AdmitAnswer, AdmitInput, LiveCallStore } from '../stores/redis/live-calls.ts';
import { type CallFacts, encodeFacts } from './live-call.ts';

export type Admission =
  | { readonly admitted: true; readonly grant: Grant; readonly more_seconds: number }
  /** `refusal: null`: the call is over already, there is nobody to refuse. */
  | { readonly admitted: false; readonly refusal: Refusal | null };

export interface Admissions {
  /** Takes the slots and the first slice, or says why not. */
  admit(facts: CallFacts): Promise<Admission>;
  /** Takes over a call that runs already, with what was granted to it, past limits and means. */
  adopt(facts: CallFacts, grant: Grant): Promise<void>;
}

function toAdmission(answer: AdmitAnswer): Admission {
  switch (answer.code) {
    case 'ADMITTED':
      return { admitted: true, grant: answer.grant, more_seconds: answer.more_seconds };
    case 'LIMIT': {
      const { level, limit } = answer.claim;
      return {
        admitted: false,
        refusal: { reason: 'LIMIT_REACHED', limit: { level, limit, holders: answer.holders } },
      };
    }
    case 'NO_CREDIT':
      return { admitted: false, refusal: { reason: 'NO_CREDIT' } };
    case 'ENDED':
      return { admitted: false, refusal: null };
    case 'NO_EPOCH':
    case 'WALLET_UNKNOWN':
      return { admitted: false, refusal: { reason: 'CONTROL_UNAVAILABLE', detail: answer.code } };
  }
}

/** Asks the admission script, and loads the payer's wallet from the ledger when Redis does not have it yet. */
export function createAdmissions(db: Db, store: LiveCallStore, slice_seconds: number): Admissions {
  async function ask(facts: CallFacts, adopt: Grant | null): Promise<AdmitAnswer> {
    const input: AdmitInput = {
      ...facts,
      payer: facts.subscriber_id,
      facts: encodeFacts(facts),
      slice_seconds,
      adopt,
    };
    const answer = await store.admit(input);
    if (answer.code !== 'WALLET_UNKNOWN') return answer;
    await store.loadWallet(await openWallet(db, facts, facts.cycle_start));
    return store.admit(input);
  }

  return {
    admit: async (facts) => toAdmission(await ask(facts, null)),
    async adopt(facts, grant) {
      const answer = await ask(facts, grant);
      if (answer.code !== 'ADMITTED' && answer.code !== 'ENDED')
        throw new Error(`cannot adopt a call: ${answer.code}`);
    },
  };
}
