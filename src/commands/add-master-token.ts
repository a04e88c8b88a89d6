import { addApiKey, newToken } from '../stores/postgres/api-keys.ts';
import { COMMAND, changeAsSystem } from '../stores/postgres/tenancy.ts';
import { type Command, oneWord, withDatabase } from './command.ts';

export const addMasterTokenCommand: Command = {
  usage: 'NAME',
  summary: 'prints a key of the platform operator for the API, for programs',
  async run(args) {
    const name = oneWord(args, 'NAME');
    const token = newToken();
    await withDatabase((db) =>
      changeAsSystem(db, COMMAND, (tx) => addApiKey(tx, { name }, token, { role: 'MASTER' })),
    );
    return { lines: [token] };
  },
};
