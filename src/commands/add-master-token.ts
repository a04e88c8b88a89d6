import { textSchema } from '../contract/fields.ts';
import { addApiKey, newToken } from '../stores/postgres/api-keys.ts';
import { COMMAND, changeAsSystem } from '../stores/postgres/tenancy.ts';
import { type Command, oneWord, UsageError, withDatabase, wordsOf } from './command.ts';

export const addMasterTokenCommand: Command = {
  usage: 'NAME',
  summary: 'prints a key of the platform operator for the API, for programs',
  async run(args) {
    const parsed = textSchema(80).safeParse(oneWord(wordsOf(args), 'NAME'));
    if (!parsed.success) throw new UsageError('NAME is 1 to 80 characters on one line');
    const name = parsed.data;
    const token = newToken();
    await withDatabase((db) =>
      changeAsSystem(db, COMMAND, (tx) => addApiKey(tx, { name }, token, { role: 'MASTER' })),
    );
    return { lines: [token] };
  },
};
