import type { ResellerChange } from '../contract/resellers.ts';
import { requireCostPlan } from '../stores/postgres/cost-plans.ts';
import { lockVersion, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { resellerDocument } from './create-reseller.ts';

/** Changes the fields that are there. A quota below what it has takes nothing away: it gets no more. */
export async function changeReseller(
  tx: Tx,
  reseller_id: string,
  version: number,
  change: ResellerChange,
): Promise<void> {
  const { document, credit_limit_micros: limit, ...fields } = change;
  await lockVersion(tx, 'resellers', reseller_id, version);
  await requireCostPlan(tx, change.cost_plan_id);
  await setColumns(tx, 'resellers', reseller_id, {
    ...fields,
    credit_limit_micros: limit === undefined ? undefined : BigInt(limit),
    ...(document === undefined ? {} : { document: resellerDocument(document) }),
  });
}
