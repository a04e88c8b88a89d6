import { say } from '../contract/language.ts';
import type { NewLine } from '../contract/lines.ts';
import { type FieldError, ProblemError } from '../contract/problem.ts';
import { type DestinationProblem, destinationProblem } from '../domain/forwarding.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

const DESTINATIONS = ['forward_always', 'forward_busy', 'forward_no_answer', 'forward_offline'] as const;

type Forwards = { readonly [K in (typeof DESTINATIONS)[number]]?: string | null | undefined };

const PROBLEMS: Readonly<Record<DestinationProblem, string>> = {
  NO_NUMBER: say(
    'neither a number nor an extension of the subscriber',
    'não é um número nem um ramal do assinante',
  ),
  EMERGENCY: say(
    'calls are not sent on to emergency numbers',
    'chamadas não são desviadas para números de emergência',
  ),
  ITSELF: say('the line itself', 'a própria linha'),
};

/** The columns of a new line that say where its calls go on to. */
export function forwardsOf(line: NewLine) {
  return {
    forward_always: line.forward_always ?? null,
    forward_busy: line.forward_busy ?? null,
    forward_no_answer: line.forward_no_answer ?? null,
    forward_no_answer_seconds: line.forward_no_answer_seconds ?? 20,
    forward_offline: line.forward_offline ?? null,
  };
}

/**
 * Throws INVALID_REQUEST unless each destination that is set is one that can be called. Classes and credit are asked with
 * each call: they may change any day.
 */
export async function checkForwards(
  tx: Tx,
  subscriber_id: string,
  line: { readonly extension: string; readonly area_code: string },
  forwards: Forwards,
): Promise<void> {
  const set = DESTINATIONS.flatMap((field) => {
    const destination = forwards[field];
    return destination == null ? [] : [{ field, destination }];
  });
  if (set.length === 0) return;
  const dialling = await tx
    .selectFrom('subscribers')
    .select(['intl_dialing', 'auto_ninth_digit'])
    .where('id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  const known = await tx
    .selectFrom('lines')
    .select('extension')
    .where('subscriber_id', '=', subscriber_id)
    .unionAll(tx.selectFrom('ring_groups').select('extension').where('subscriber_id', '=', subscriber_id))
    .execute();
  const extensions = new Set(known.map(({ extension }) => extension));
  const errors = set.flatMap(({ field, destination }): FieldError[] => {
    const problem = destinationProblem(destination, { ...line, ...dialling, extensions });
    return problem === null ? [] : [{ field, message: PROBLEMS[problem] }];
  });
  if (errors.length === 0) return;
  throw new ProblemError(
    'INVALID_REQUEST',
    say('calls cannot be sent on there', 'não é possível desviar chamadas para lá'),
    errors,
  );
}
