import { proveLedger } from '../stores/postgres/prove-ledger.ts';
import { type Command, UsageError, withDatabase } from './command.ts';

/** The number of differences goes to standard output for programs; what they are goes to standard error. */
export const proveLedgerCommand: Command = {
  usage: '',
  summary:
    'recomputes balances, minutes and charges from the ledger, prints how many differ, and ends with 1 unless 0',
  async run(args) {
    if (args.length > 0) throw new UsageError(`too many words: ${args.join(' ')}`);
    const differences = await withDatabase(proveLedger);
    for (const { what, id } of differences) console.error(`${what}: ${id}`);
    return { lines: [String(differences.length)], code: differences.length === 0 ? 0 : 1 };
  },
};
