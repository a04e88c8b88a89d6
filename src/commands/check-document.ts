import { documentKind } from '../domain/documents.ts';
import { type Command, UsageError } from './command.ts';

export const checkDocumentCommand: Command = {
  usage: 'VALUE…',
  summary: 'says of each value whether it is a cpf, a cnpj or invalid',
  async run(args) {
    const values = args.filter((value) => value !== '--');
    if (values.length === 0) throw new UsageError('VALUE is missing');
    return { lines: values.map((value) => `${value.replace(/[\t\r\n]/g, ' ')}\t${documentKind(value)}`) };
  },
};
