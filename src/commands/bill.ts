import { parseArgs } from 'node:util';
import { billedSeconds, parseCadence } from '../domain/cadence.ts';
import { type Command, UsageError } from './command.ts';

const MAX_SECONDS = 31 * 24 * 3_600;

function seconds(text: string): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) > MAX_SECONDS)
    throw new UsageError(`not a talk time in whole seconds, at most 31 days: ${text}`);
  return Number(text);
}

export const billCommand: Command = {
  usage: '--cadence 30/6/3 SECONDS…',
  summary: 'prints talk time and billed seconds',
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { cadence: { type: 'string' } },
    });
    if (values.cadence === undefined) throw new UsageError('--cadence is missing');
    const cadence = parseCadence(values.cadence);
    if (!cadence)
      throw new UsageError(
        `not a cadence: ${values.cadence} (first/increment/free threshold in seconds, each at most 3600, such as 30/6/3)`,
      );
    if (positionals.length === 0) throw new UsageError('SECONDS is missing');
    return { lines: positionals.map((text) => `${text}\t${billedSeconds(seconds(text), cadence)}`) };
  },
};
