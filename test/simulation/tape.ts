import type { Ledger } from './ledger.ts';
import type { Reply } from './redis-data.ts';

/** One thing that a store was asked in a history, in the order in which it was done, and what it answered. */
export type Asked =
  | {
      readonly store: 'SCRIPT';
      readonly lua: string;
      readonly keys: readonly string[];
      readonly given: readonly string[];
      readonly now_ms: number;
      readonly reply: Reply;
    }
  | {
      readonly store: 'COMMAND';
      readonly name: string;
      readonly given: readonly string[];
      readonly reply: Reply;
    }
  | { readonly store: 'FLUSH' }
  | {
      readonly store: 'LEDGER';
      readonly name: keyof Ledger;
      readonly given: readonly unknown[];
      readonly reply: unknown;
    };

export type Tape = (asked: Asked) => void;

/** A ledger that tells what it is asked and what it answers. */
export function taped(ledger: Ledger, tape: Tape): Ledger {
  const tell = async <T>(name: keyof Ledger, given: readonly unknown[], answer: Promise<T>): Promise<T> => {
    const reply = await answer;
    tape({ store: 'LEDGER', name, given, reply });
    return reply;
  };
  return {
    settleCalls: (...given) => tell('settleCalls', given, ledger.settleCalls(...given)),
    settledAmong: (...given) => tell('settledAmong', given, ledger.settledAmong(...given)),
    openWallet: (...given) => tell('openWallet', given, ledger.openWallet(...given)),
    readWallets: (...given) => tell('readWallets', given, ledger.readWallets(...given)),
    readResellerWallet: (...given) => tell('readResellerWallet', given, ledger.readResellerWallet(...given)),
    recordRefusals: (...given) => tell('recordRefusals', given, ledger.recordRefusals(...given)),
    topUp: (...given) => tell('topUp', given, ledger.topUp(...given)),
    topUpReseller: (...given) => tell('topUpReseller', given, ledger.topUpReseller(...given)),
  };
}
