import type { ResellerChange } from '../contract/resellers.ts';
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
  const { document, ...fields } = change;
  await lockVersion(tx, 'resellers', reseller_id, version);
  await setColumns(tx, 'resellers', reseller_id, {
    ...fields,
    ...(document === undefined ? {} : { document: resellerDocument(document) }),
  });
}
