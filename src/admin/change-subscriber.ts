import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { SubscriberChange } from '../contract/subscribers.ts';
import { notFound, setColumns } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { findSubscriber, replaceBundles, replaceContacts } from '../stores/postgres/subscribers.ts';
import { checkPermissions, documentOf } from './check-subscriber.ts';
import { requireReferences } from './create-subscriber.ts';
import { nameDuplicate } from './name-duplicate.ts';

const micros = (amount: string | null | undefined) =>
  amount === undefined ? undefined : amount === null ? null : BigInt(amount);

/** Changes the fields that are there. The row was locked at `version` before, and what its reader may change judged. */
export async function changeSubscriber(
  tx: Tx,
  subscriber_id: string,
  version: number,
  change: SubscriberChange,
): Promise<void> {
  const before = await findSubscriber(tx, subscriber_id);
  if (!before) throw notFound();
  const { contacts, bundles, permissions, document, ...fields } = change;
  const person_type = change.person_type ?? before.person_type;
  const text = document ?? before.document;
  const documentChanges = change.person_type !== undefined || document !== undefined;
  if (documentChanges && !person_type) {
    const message = say('say whether it is a person or a company', 'diga se é pessoa ou empresa');
    throw new ProblemError('INVALID_REQUEST', message, [{ field: 'person_type', message }]);
  }
  if (permissions) checkPermissions(permissions);
  await requireReferences(tx, before.reseller_id, change);
  try {
    await setColumns(tx, 'subscribers', subscriber_id, {
      ...fields,
      ...(documentChanges && person_type
        ? { person_type, document: documentOf(person_type, text ?? '') }
        : {}),
      credit_limit_micros: micros(change.credit_limit_micros),
      balance_alert_micros: micros(change.balance_alert_micros),
      daily_spend_cap_micros: micros(change.daily_spend_cap_micros),
      permissions: permissions && JSON.stringify(permissions),
      // What people decide stands, whatever was blocked by itself before.
      blocked_reason: change.status === undefined || change.status === before.status ? undefined : null,
    });
    if (contacts) await replaceContacts(tx, subscriber_id, contacts);
    if (bundles) await replaceBundles(tx, subscriber_id, bundles);
    // Contacts and bundles are parts of what was read: changing them alone is an edit of it too.
    if (contacts || bundles) await setColumns(tx, 'subscribers', subscriber_id, { version: version + 1 });
  } catch (error) {
    nameDuplicate(error);
  }
}
