import type { Can } from '../contract/fields.ts';
import { say } from '../contract/language.ts';
import { lineChangeSchema } from '../contract/lines.ts';
import { numberChangeSchema } from '../contract/numbers.ts';
import { type FieldError, ProblemError } from '../contract/problem.ts';
import { subscriberChangeSchema } from '../contract/subscribers.ts';
import {
  capabilities,
  effectivePermissions,
  judgeWrite,
  levelOf,
  type PanelResource,
  type PanelSection,
  type PermissionSet,
  type Permissions,
  type Totals,
  type WriteVerdict,
} from '../domain/permissions.ts';
import type { Tenant } from '../domain/tenant.ts';
import { notFound } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';

/** What the users of a subscriber may see and do; null for master and reseller, who may everything. */
export async function readPermissions(tx: Tx, tenant: Tenant): Promise<Permissions | null> {
  if (tenant.role !== 'SUBSCRIBER') return null;
  const row = await tx
    .selectFrom('subscribers as s')
    .leftJoin('permission_profiles as p', 'p.id', 's.permission_profile_id')
    .select(['s.permissions as own', 'p.permissions as profile'])
    .where('s.id', '=', tenant.subscriber_id)
    .executeTakeFirst();
  if (!row) throw notFound();
  return effectivePermissions(row.profile as PermissionSet | null, row.own);
}

/** A hidden part of the panel is not there; one for reading refuses changes. */
export function requireSection(
  section: PanelSection | null,
  permissions: Permissions | null,
  changes: boolean,
): void {
  if (section === null) return;
  const level = levelOf(permissions, section);
  if (level === 'HIDDEN') throw notFound();
  if (changes && level !== 'WRITE')
    throw new ProblemError(
      'FIELD_NOT_PERMITTED',
      say('your access lets you look here, not change', 'seu acesso permite ver aqui, não alterar'),
    );
}

/** What a change of a record takes. The panel has fields that are no part of it: an action writes them, or nothing yet. */
const CHANGES = {
  subscriber: subscriberChangeSchema.shape,
  line: lineChangeSchema.shape,
  number: numberChangeSchema.shape,
} as const;

/** What the reader may do with a record, for the `can` of its reply. */
export function canOf(
  resource: keyof typeof CHANGES,
  permissions: Permissions | null,
  actions: readonly string[],
  totals?: Totals,
): Can {
  const { write, limits } = capabilities(resource, permissions, totals);
  const taken = (key: string) => Object.hasOwn(CHANGES[resource], key);
  return {
    write: write.filter(taken),
    limits: Object.fromEntries(Object.entries(limits).filter(([key]) => taken(key))),
    do: [...actions],
  };
}

function sayVerdict(verdict: WriteVerdict): string {
  if (verdict === 'HIDDEN') return say('is not there for you', 'não existe para você');
  if (verdict === 'READ_ONLY') return say('is for reading only', 'é só para leitura');
  if ('below' in verdict)
    return say(`must be at least ${verdict.below}`, `deve ser no mínimo ${verdict.below}`);
  if ('above' in verdict)
    return say(`must be at most ${verdict.above}`, `deve ser no máximo ${verdict.above}`);
  return say(
    `all lines together may have ${verdict.total_above}: ${verdict.left} are left for this one`,
    `todas as linhas juntas podem ter ${verdict.total_above}: restam ${verdict.left} para esta`,
  );
}

/** Throws FIELD_NOT_PERMITTED naming every field of a change that the viewer may not change so. */
export function judge(
  resource: PanelResource,
  change: object,
  current: object,
  permissions: Permissions | null,
  totals: Totals = {},
): void {
  const errors: FieldError[] = judgeWrite(resource, change, { current, totals }, permissions).map(
    ({ field, verdict }) => ({ field, message: sayVerdict(verdict) }),
  );
  if (errors.length > 0)
    throw new ProblemError(
      'FIELD_NOT_PERMITTED',
      say('your access does not let you change this so', 'seu acesso não permite alterar isso assim'),
      errors,
    );
}
