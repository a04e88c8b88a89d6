import { parseArgs } from 'node:util';
import { addServer } from '../admin/add-server.ts';
import { type Command, oneWord, UsageError, withDatabase } from './command.ts';

function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 65_535) throw new UsageError(`not a port: ${text}`);
  return number;
}

export const addServerCommand: Command = {
  usage: 'NAME [--http-port 8088] [--ami-port 5038] [--host 127.0.0.1]',
  summary: 'registers an Asterisk server and prints its token',
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'http-port': { type: 'string', default: '8088' },
        'ami-port': { type: 'string', default: '5038' },
        host: { type: 'string', default: '127.0.0.1' },
      },
    });
    const name = oneWord(positionals, 'NAME');
    if (!/^[a-z0-9]{1,16}$/.test(name))
      throw new UsageError('NAME is lower-case letters and digits, at most 16');
    if (!/^[a-z0-9.-]{1,253}$/i.test(values.host)) throw new UsageError(`not a host: ${values.host}`);
    const ari_url = `http://${values.host}:${port(values['http-port'])}`;
    const ami_port = port(values['ami-port']);
    const { token } = await withDatabase((db) =>
      addServer(db, { name, ari_url, ami_host: values.host, ami_port }),
    );
    return { lines: [token] };
  },
};
