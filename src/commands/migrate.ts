import { MIGRATIONS } from '../../migrations/index.ts';
import { migrate } from '../stores/postgres/connect.ts';
import { type Command, UsageError, withDatabase } from './command.ts';

export const migrateCommand: Command = {
  usage: '',
  summary: 'brings the database up to date',
  async run(args) {
    if (args.length > 0) throw new UsageError(`too many words: ${args.join(' ')}`);
    const ran = await withDatabase((db) => migrate(db, { getMigrations: async () => MIGRATIONS }));
    return { lines: ran.length > 0 ? ran : ['nothing to do'] };
  },
};
