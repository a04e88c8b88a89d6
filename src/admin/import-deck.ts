import { type Fault, JobFaultsError } from '../contract/jobs.ts';
import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { CallClass } from '../domain/call-class.ts';
import { CLASSES_BESIDE_DECK } from '../domain/loss-classes.ts';
import { countEdit, requirePlan } from '../stores/postgres/decks.ts';
import { type ImportDeckParams, insertJob, type TakenJob } from '../stores/postgres/jobs.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { findVersionAt } from '../stores/postgres/plan-versions.ts';
import { addDeckVersion, type PlanRef } from '../stores/postgres/rate-versions.ts';
import type { ClassRate } from '../stores/postgres/recorded.ts';
import type { Actor } from '../stores/postgres/tenancy.ts';
import { decodeText } from './decode-text.ts';
import { readDeckFile } from './read-deck.ts';
import { beginningOf } from './save-prices.ts';

const BESIDE_DECK: readonly CallClass[] = CLASSES_BESIDE_DECK;

/**
 * Asks for a deck to be read and to become the prices of a plan, from `valid_from` on or as soon as it is read. Gives
 * the id of the job. Throws NOT_FOUND, INVALID_REQUEST: what is no text is refused at once.
 */
export async function orderDeckImport(
  tx: Tx,
  actor: Actor,
  plan: PlanRef,
  file: Uint8Array,
  valid_from: string | undefined,
): Promise<string> {
  const reseller_id = await requirePlan(tx, plan);
  beginningOf(valid_from);
  const { refusal } = decodeText(file);
  if (refusal !== undefined)
    throw new ProblemError('INVALID_REQUEST', refusal, [{ field: 'body', message: refusal }]);
  const params: ImportDeckParams = { plan, valid_from: valid_from ?? null };
  return insertJob(tx, { kind: 'IMPORT_DECK', reseller_id, actor, params, input: file });
}

const PLAN_IS_GONE: Fault = {
  line: null,
  column: null,
  value: null,
  reason: say('the plan was deleted meanwhile', 'o plano foi excluído nesse meio-tempo'),
};

/** The prices by class that go on beside the deck. */
async function classRatesBeside(tx: Tx, plan: PlanRef, at: Date | null): Promise<ClassRate[]> {
  const before = await findVersionAt(tx, plan, at);
  return (before?.class_rates ?? []).filter(({ call_class }) => BESIDE_DECK.includes(call_class));
}

/**
 * Reads a deck that was asked for. Gives the step that makes it the prices of its plan: a new version, whole; the
 * earlier ones stay. Throws JobFaultsError.
 */
export async function importDeck(
  { actor, params, input }: TakenJob<'IMPORT_DECK'>,
  tell: (done: number, total: number) => void,
) {
  const { rows, faults } = await readDeckFile(input ?? new Uint8Array());
  if (faults.count > 0) throw new JobFaultsError(faults);
  tell(0, rows.length);
  const { plan } = params;
  return async (tx: Tx) => {
    if (!(await countEdit(tx, plan))) throw new JobFaultsError({ count: 1, first: [PLAN_IS_GONE] });
    const asked = params.valid_from === null ? null : new Date(params.valid_from);
    // What was asked for may have gone by in the queue; prices do not change for calls that were.
    const valid_from = asked && asked.getTime() > Date.now() ? asked : null;
    const class_rates = await classRatesBeside(tx, plan, valid_from);
    const version = { plan, valid_from, author: actor.name, class_rates };
    const version_id = await addDeckVersion(tx, version, rows, (done) => tell(done, rows.length));
    return { version_id, rows: rows.length, active: rows.filter(({ active }) => active).length };
  };
}
