import { say } from '../contract/language.ts';
import { ProblemError } from '../contract/problem.ts';
import type { NewSubscriber } from '../contract/subscribers.ts';
import type { Tenant } from '../domain/tenant.ts';
import { notFound, queueFor, requireOwned } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { requireServer } from '../stores/postgres/server-reports.ts';
import { leastLoadedServer, replaceBundles, replaceContacts } from '../stores/postgres/subscribers.ts';
import { checkPermissions, documentOf } from './check-subscriber.ts';
import { createUser } from './create-user.ts';
import { nameDuplicate } from './name-duplicate.ts';
import { ownerOf } from './owner-of.ts';

/** One after the other, so that two at once do not both take the last place. Throws NOT_FOUND, QUOTA_REACHED. */
async function takePlace(tx: Tx, reseller_id: string): Promise<void> {
  const reseller = await tx
    .selectFrom('resellers')
    .select(['max_subscribers', 'status'])
    .where('id', '=', reseller_id)
    .executeTakeFirst();
  if (!reseller) throw notFound('reseller_id');
  if (reseller.max_subscribers === null) return;
  await queueFor(tx, `subscribers of ${reseller_id}`);
  const { count } = await tx
    .selectFrom('subscribers')
    .select((eb) => eb.fn.countAll<bigint>().as('count'))
    .where('reseller_id', '=', reseller_id)
    .executeTakeFirstOrThrow();
  if (count >= BigInt(reseller.max_subscribers))
    throw new ProblemError(
      'QUOTA_REACHED',
      say(
        `the reseller may have ${reseller.max_subscribers} subscribers, and has them`,
        `a revenda pode ter ${reseller.max_subscribers} assinantes, e já os tem`,
      ),
    );
}

async function serverFor(tx: Tx, tenant: Tenant, server_id: string | undefined): Promise<string> {
  if (server_id !== undefined) {
    if (tenant.role !== 'MASTER') throw notFound('server_id');
    await requireServer(tx, server_id);
  }
  const id = server_id ?? (await leastLoadedServer(tx));
  if (id !== null) return id;
  throw new ProblemError(
    'CONFLICT',
    say('the platform has no Asterisk server yet', 'a plataforma ainda não tem servidor Asterisk'),
  );
}

/** Throws NOT_FOUND naming the field unless plan, franquias and profile are the reseller's own. */
export async function requireReferences(
  tx: Tx,
  reseller_id: string,
  refers: {
    readonly sales_plan_id?: string | undefined;
    readonly permission_profile_id?: string | null | undefined;
    readonly bundles?: readonly { readonly bundle_id: string }[] | undefined;
  },
): Promise<void> {
  const { sales_plan_id, permission_profile_id, bundles = [] } = refers;
  if (sales_plan_id !== undefined)
    await requireOwned(tx, 'sales_plans', sales_plan_id, reseller_id, 'sales_plan_id');
  if (permission_profile_id)
    await requireOwned(
      tx,
      'permission_profiles',
      permission_profile_id,
      reseller_id,
      'permission_profile_id',
    );
  for (const [index, { bundle_id }] of bundles.entries())
    await requireOwned(tx, 'minute_bundles', bundle_id, reseller_id, `bundles.${index}.bundle_id`);
}

export interface CreatedSubscriber {
  readonly id: string;
  readonly access: { user_id: string; username: string; password: string | null } | null;
}

/** Creates a subscriber with contacts, franquias and, where asked, its first user: all of it or nothing. */
export async function createSubscriber(
  tx: Tx,
  tenant: Tenant,
  body: NewSubscriber,
): Promise<CreatedSubscriber> {
  const { access, contacts, bundles, permissions, server_id, ...fields } = body;
  const reseller_id = ownerOf(tenant, body.reseller_id);
  const document = documentOf(body.person_type, body.document);
  checkPermissions(permissions);
  await takePlace(tx, reseller_id);
  await requireReferences(tx, reseller_id, body);
  const row = {
    ...fields,
    document,
    reseller_id,
    server_id: await serverFor(tx, tenant, server_id),
    credit_limit_micros: BigInt(body.credit_limit_micros),
    balance_alert_micros: body.balance_alert_micros === null ? null : BigInt(body.balance_alert_micros),
    daily_spend_cap_micros: body.daily_spend_cap_micros === null ? null : BigInt(body.daily_spend_cap_micros),
    permissions: JSON.stringify(permissions),
  };
  try {
    const { id } = await tx.insertInto('subscribers').values(row).returning('id').executeTakeFirstOrThrow();
    await replaceContacts(tx, id, contacts);
    await replaceBundles(tx, id, bundles);
    if (!access) return { id, access: null };
    const owner: Tenant = { role: 'SUBSCRIBER', reseller_id, subscriber_id: id };
    const user = await createUser(tx, owner, { ...access, name: body.name, email: null }, 'access.');
    return { id, access: user };
  } catch (error) {
    return nameDuplicate(error);
  }
}
