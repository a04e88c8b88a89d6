import { parseArgs } from 'node:util';
import { isAreaCode } from '../domain/area-codes.ts';
import { classifyDialled, type DialContext } from '../domain/dialled-number.ts';
import { canBeExtension } from '../domain/short-codes.ts';
import { type Command, UsageError } from './command.ts';

/** As typed, on one line: what would break the columns is shown as an escape. */
const shown = (text: string) =>
  JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');

function lineOf(dialled: string, context: DialContext): string {
  const result = classifyDialled(dialled, context);
  switch (result.kind) {
    case 'NUMBER':
      return [shown(dialled), result.class, result.number].join('\t');
    case 'FEATURE':
      return [shown(dialled), 'FEATURE', result.code].join('\t');
    case 'INVALID':
      return [shown(dialled), 'INVALID', '', result.reason].join('\t');
  }
}

function contextOf(areaCode: string, extensions: string, dialling: string): DialContext {
  if (!isAreaCode(areaCode)) throw new UsageError(`not an area code: ${areaCode}`);
  const known = extensions.split(',').flatMap((part) => part.trim() || []);
  const wrong = known.find((extension) => !canBeExtension(extension));
  if (wrong !== undefined) throw new UsageError(`cannot be an extension: ${wrong}`);
  if (dialling !== 'NO_CSP' && dialling !== 'CSP' && dialling !== 'AUTO')
    throw new UsageError(`--intl-dialing is NO_CSP, CSP or AUTO, not ${dialling}`);
  return { areaCode, extensions: new Set(known), intlDialing: dialling, autoNinthDigit: true };
}

export const classifyCommand: Command = {
  usage: '--area-code 11 [--extensions 201,6012] [--intl-dialing NO_CSP] NUMBER…',
  summary: 'says what each dialled number is: as typed, class, number, and why when it is invalid',
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'area-code': { type: 'string' },
        extensions: { type: 'string', default: '' },
        'intl-dialing': { type: 'string', default: 'NO_CSP' },
      },
    });
    if (values['area-code'] === undefined) throw new UsageError('--area-code is missing');
    if (positionals.length === 0) throw new UsageError('NUMBER is missing');
    const context = contextOf(values['area-code'], values.extensions, values['intl-dialing']);
    return { lines: positionals.map((dialled) => lineOf(dialled, context)) };
  },
};
