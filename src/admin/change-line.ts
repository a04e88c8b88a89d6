import { say } from '../contract/language.ts';
import type { LineChange } from '../contract/lines.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Tenant } from '../domain/tenant.ts';
import { setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import type { LineRow } from '../stores/postgres/line-reports.ts';
import { checkForwards } from './check-forwards.ts';
import { checkDigits, nameLineDuplicate, requireLineReferences, takeLinePlace } from './create-line.ts';

/** One that comes back from INACTIVE takes a place like a new one, which only those may count who see all lines. */
async function takePlaceAgain(tx: Tx, tenant: Tenant, subscriber_id: string): Promise<void> {
  if (tenant.role !== 'SUBSCRIBER') return takeLinePlace(tx, subscriber_id);
  const message = say('only the reseller brings it back', 'só a revenda a reativa');
  throw new ProblemError('FIELD_NOT_PERMITTED', message, [{ field: 'status', message }]);
}

/** Changes the fields that are there. The row was locked before, and what its reader may change was judged. */
export async function changeLine(tx: Tx, tenant: Tenant, before: LineRow, change: LineChange): Promise<void> {
  checkDigits(change);
  await requireLineReferences(tx, before, change);
  const { extension = before.extension, area_code = before.area_code } = change;
  await checkForwards(tx, before.subscriber_id, { extension, area_code }, change);
  const { status } = change;
  if (before.status === 'INACTIVE' && status !== undefined && status !== 'INACTIVE')
    await takePlaceAgain(tx, tenant, before.subscriber_id);
  try {
    await setColumns(tx, 'lines', before.id, change);
  } catch (error) {
    nameLineDuplicate(error, change.extension);
  }
}
