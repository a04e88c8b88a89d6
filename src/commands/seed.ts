import { seed } from '../admin/seed.ts';
import { type Command, oneWord, UsageError, withDatabase, wordsOf } from './command.ts';

export const seedCommand: Command = {
  usage: 'SERVER',
  summary: 'fills an empty installation with a reseller and its subscribers, to look at',
  async run(args) {
    const name = oneWord(wordsOf(args), 'SERVER');
    return withDatabase(async (db) => {
      const server = await db
        .selectFrom('asterisk_servers')
        .select('id')
        .where('name', '=', name)
        .executeTakeFirst();
      if (!server) throw new UsageError(`there is no server called ${name}: add-server first`);
      const { subscribers } = await seed(db, { server_id: server.id });
      return {
        lines: subscribers.map((subscriber) => `${subscriber.name}\t${subscriber.lines.length} lines`),
      };
    });
  },
};
