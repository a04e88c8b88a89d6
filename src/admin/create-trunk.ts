import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { NewTrunk } from '../contract/trunks.ts';
import { requireCostPlan } from '../stores/postgres/cost-plans.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireServer } from '../stores/postgres/server-reports.ts';

/** Adds a trunk to a server, where its code must be free. Gives its id. Throws NOT_FOUND, CONFLICT. */
export async function createTrunk(tx: Tx, body: NewTrunk): Promise<string> {
  await requireServer(tx, body.server_id);
  await requireCostPlan(tx, body.cost_plan_id);
  try {
    const { id } = await tx.insertInto('trunks').values(body).returning('id').executeTakeFirstOrThrow();
    return id;
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error;
    const message = say(
      'another trunk of the server has this code',
      'outro tronco do servidor já tem este código',
    );
    throw new ProblemError('CONFLICT', message, [{ field: 'code', message }]);
  }
}
