import { say } from '../contract/language.ts';
import type { PlanRate, PriceChange } from '../contract/prices.ts';
import { ProblemError } from '../contract/problem.ts';
import type { CallClass } from '../domain/call-class.ts';
import { CLASSES_BESIDE_DECK } from '../domain/loss-classes.ts';
import { notFound, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import {
  addVersionOfDeck,
  deletePlannedVersion,
  findVersion,
  findVersionAt,
  type HoldingVersion,
} from '../stores/postgres/plan-versions.ts';
import { addClassVersion, type PlanRef } from '../stores/postgres/rate-versions.ts';

/** In one order, so that the same rates are the same whatever order they came in. */
const ordered = (rates: readonly PlanRate[]) =>
  rates
    .map(
      ({
        call_class,
        price_micros_per_minute,
        initial_seconds,
        increment_seconds,
        free_threshold_seconds,
      }) => ({
        ...{ call_class, price_micros_per_minute },
        ...{ initial_seconds, increment_seconds, free_threshold_seconds },
      }),
    )
    .sort((a, b) => (a.call_class < b.call_class ? -1 : 1));

const isSame = (one: readonly PlanRate[], other: readonly PlanRate[]) =>
  JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));

/** Writes the first prices of a plan, which hold from now on. */
export async function addFirstPrices(
  tx: Tx,
  plan: PlanRef,
  author: string,
  rates: readonly PlanRate[],
): Promise<void> {
  await addClassVersion(tx, { plan, valid_from: null, author, class_rates: ordered(rates) });
}

const FURTHEST_years = 2;

/** The moment that a change names; null: now. Throws INVALID_REQUEST. */
export function beginningOf(valid_from: string | undefined): Date | null {
  if (valid_from === undefined) return null;
  const furthest = new Date();
  furthest.setUTCFullYear(furthest.getUTCFullYear() + FURTHEST_years);
  const at = new Date(valid_from);
  if (at.getTime() >= Date.now() && at <= furthest) return at;
  const message = say(
    `is in the past, or more than ${FURTHEST_years} years ahead; leave it out for now`,
    `está no passado, ou mais de ${FURTHEST_years} anos à frente; omita-o para agora`,
  );
  throw new ProblemError('INVALID_REQUEST', message, [{ field: 'valid_from', message }]);
}

/** Throws INVALID_REQUEST naming the rates that a deck has prices of its own for. */
function checkBesideDeck(rates: readonly PlanRate[]): void {
  const beside: readonly CallClass[] = CLASSES_BESIDE_DECK;
  const message = say(
    'is priced by the deck; send pricing BY_CLASS to leave the deck behind',
    'é tarifada pelos prefixos; envie pricing BY_CLASS para deixá-los',
  );
  const errors = rates.flatMap(({ call_class }, index) =>
    beside.includes(call_class) ? [] : [{ field: `rates.${index}.call_class`, message }],
  );
  if (errors.length > 0) throw new ProblemError('INVALID_REQUEST', message, errors);
}

/**
 * Writes new prices of a plan whose row is locked: by class, or beside the deck that holds by then. The same as hold by
 * then are none. Gives whether there is a new version. Throws INVALID_REQUEST.
 */
async function addPrices(tx: Tx, plan: PlanRef, author: string, change: PriceChange): Promise<boolean> {
  const { rates, pricing } = change;
  if (rates === undefined) return false;
  const valid_from = beginningOf(change.valid_from);
  const before = await findVersionAt(tx, plan, valid_from);
  const deck = before?.pricing === 'DECK' ? before : null;
  const keepsDeck = deck !== null && pricing === undefined;
  if (keepsDeck) checkBesideDeck(rates);
  if (before && isSame(before.class_rates, rates) && (keepsDeck || deck === null)) return false;
  const version = { plan, valid_from, author, class_rates: ordered(rates) };
  if (keepsDeck) await addVersionOfDeck(tx, version, deck);
  else await addClassVersion(tx, version);
  return true;
}

const tableOf = (plan: PlanRef) =>
  plan.sales_plan_id === undefined
    ? (['cost_plans', plan.cost_plan_id] as const)
    : (['sales_plans', plan.sales_plan_id] as const);

/**
 * Writes the new prices of a plan that was locked at `version`. Prices are a part of what was read: changing them alone
 * is an edit of it too.
 */
export async function changePrices(
  tx: Tx,
  plan: PlanRef,
  version: number,
  author: string,
  change: PriceChange,
): Promise<void> {
  if (!(await addPrices(tx, plan, author, change))) return;
  const [table, id] = tableOf(plan);
  await setColumns(tx, table, id, { version: version + 1 });
}

/** A version of a plan that the tenant may see. Throws NOT_FOUND. */
async function requireVersion(tx: Tx, plan: PlanRef, version_id: string): Promise<HoldingVersion> {
  const version = await findVersion(tx, plan, version_id);
  if (!version) throw notFound();
  return version;
}

/** Takes planned prices back. Throws NOT_FOUND, or CONFLICT when they hold already or held once. */
export async function takePricesBack(tx: Tx, plan: PlanRef, version_id: string): Promise<void> {
  const [table, id] = tableOf(plan);
  await requireVersion(tx, plan, version_id);
  const row = await tx
    .selectFrom(table)
    .select('version')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound();
  if (!(await deletePlannedVersion(tx, plan, version_id)))
    throw new ProblemError(
      'CONFLICT',
      say(
        'these prices have begun to hold: calls are rated by them, and new ones take their place',
        'estes preços já entraram em vigor: chamadas são tarifadas por eles; novos os substituem',
      ),
    );
  await setColumns(tx, table, id, { version: row.version + 1 });
}
