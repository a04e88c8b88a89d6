import { createHash, randomBytes, randomInt } from 'node:crypto';
import { say } from '../contract/language.ts';
import { DEFAULT_CLASSES, type NewLine } from '../contract/lines.ts';
import { type FieldError, ProblemError } from '../contract/problem.ts';
import { isAreaCode } from '../domain/area-codes.ts';
import { canBeExtension } from '../domain/short-codes.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { notFound, queueFor, requireOwned } from '../stores/postgres/edit.ts';
import type { Tx } from '../stores/postgres/ledger.ts';
import { countLines } from '../stores/postgres/line-reports.ts';
import { checkForwards, forwardsOf } from './check-forwards.ts';

/** Part of every phone's digest; changing it would make all passwords wrong. */
export const SIP_REALM = 'pabx';

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A user name that cannot be guessed from the extension: scanners try those first. */
function randomName(): string {
  return Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

export function newSipPassword(): string {
  return randomBytes(18).toString('base64url');
}

/**
 * The digest (RFC 8760, HA1 of RFC 2617) is all that Asterisk needs and all that is kept: it opens one realm
 * of one user, and gives no password away.
 */
export function sipDigest(username: string, password: string): string {
  return createHash('md5').update(`${username}:${SIP_REALM}:${password}`).digest('hex');
}

/** Throws INVALID_REQUEST unless the digits may stand in a numbering plan. What is left out is not looked at. */
export function checkDigits(line: {
  readonly extension?: string | undefined;
  readonly area_code?: string | undefined;
}): void {
  const { extension, area_code } = line;
  const errors: FieldError[] = [];
  if (extension !== undefined && !canBeExtension(extension)) {
    const message = say(
      `${extension} is a public short code or no extension`,
      `${extension} é um código público ou não é um ramal`,
    );
    errors.push({ field: 'extension', message });
  }
  if (area_code !== undefined && !isAreaCode(area_code)) {
    const message = say(`${area_code} is no Brazilian area code`, `${area_code} não é um DDD brasileiro`);
    errors.push({ field: 'area_code', message });
  }
  if (errors.length === 0) return;
  throw new ProblemError(
    'INVALID_REQUEST',
    say('the line cannot be like this', 'a linha não pode ser assim'),
    errors,
  );
}

/** Whether a tenant may act on what belongs to this subscriber: the code's own answer, besides the database's. */
export function owns(
  tenant: Tenant,
  row: { readonly subscriber_id: string; readonly reseller_id: string },
): boolean {
  switch (tenant.role) {
    case 'MASTER':
      return true;
    case 'RESELLER':
      return tenant.reseller_id === row.reseller_id;
    case 'SUBSCRIBER':
      return tenant.subscriber_id === row.subscriber_id;
  }
}

function quotaReached(whose: readonly [en: string, pt: string], most: number): ProblemError {
  const [en, pt] = whose;
  return new ProblemError(
    'QUOTA_REACHED',
    say(`${en} may have ${most} lines, and has them`, `${pt} pode ter ${most} linhas, e já as tem`),
  );
}

/**
 * Takes one of the lines that subscriber and reseller may have. Within a transaction, two at once go one after the
 * other and do not both take the last place. Throws QUOTA_REACHED.
 */
export async function takeLinePlace(tx: Tx, subscriber_id: string): Promise<void> {
  const { reseller_id, subscriber_max, reseller_max } = await tx
    .selectFrom('subscribers as s')
    .innerJoin('resellers as r', 'r.id', 's.reseller_id')
    .select(['s.reseller_id', 's.max_lines as subscriber_max', 'r.max_lines as reseller_max'])
    .where('s.id', '=', subscriber_id)
    .executeTakeFirstOrThrow();
  // Always in this order, so that nobody waits in a circle.
  if (subscriber_max !== null) {
    await queueFor(tx, `lines of subscriber ${subscriber_id}`);
    if ((await countLines(tx, { subscriber_id })) >= subscriber_max)
      throw quotaReached(['the subscriber', 'o assinante'], subscriber_max);
  }
  if (reseller_max !== null) {
    await queueFor(tx, `lines of reseller ${reseller_id}`);
    if ((await countLines(tx, { reseller_id })) >= reseller_max)
      throw quotaReached(['the reseller', 'a revenda'], reseller_max);
  }
}

/** Throws NOT_FOUND naming the field unless plan and caller ID are the reseller's and the subscriber's own. */
export async function requireLineReferences(
  tx: Tx,
  owner: { readonly subscriber_id: string; readonly reseller_id: string },
  refers: {
    readonly sales_plan_id?: string | null | undefined;
    readonly caller_id_did_id?: string | null | undefined;
  },
): Promise<void> {
  const { sales_plan_id, caller_id_did_id } = refers;
  if (sales_plan_id) await requireOwned(tx, 'sales_plans', sales_plan_id, owner.reseller_id, 'sales_plan_id');
  if (!caller_id_did_id) return;
  const did = await tx
    .selectFrom('dids')
    .select('id')
    .where('id', '=', caller_id_did_id)
    .where('subscriber_id', '=', owner.subscriber_id)
    .executeTakeFirst();
  if (!did) throw notFound('caller_id_did_id');
}

/** Lines and ring groups are dialled alike. */
const EXTENSION_KEYS = ['lines_subscriber_id_extension_key', 'ring_groups_subscriber_id_extension_key'];

/** What the database calls a duplicate, in words of the form. */
export function nameLineDuplicate(error: unknown, extension: string | undefined): never {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (code !== '23505' || !EXTENSION_KEYS.includes(String(constraint))) throw error;
  const message = say(`extension ${extension} is taken`, `o ramal ${extension} já está em uso`);
  throw new ProblemError('CONFLICT', message, [{ field: 'extension', message }]);
}

export interface CreatedLine {
  readonly id: string;
  readonly subscriber_id: string;
  readonly extension: string;
  readonly sip_username: string;
  /** Here and nowhere else. */
  readonly sip_password: string;
  readonly sip_realm: string;
}

/**
 * Creates a line of a subscriber that the tenant owns. Commands may pass a database instead of a transaction: quotas
 * then hold for them alone, not against others at the same moment.
 */
export async function createLine(db: Db | Tx, tenant: Tenant, line: NewLine): Promise<CreatedLine> {
  // A plain database runs each statement as a transaction of its own.
  const tx = db as Tx;
  checkDigits(line);
  const subscriber = await tx
    .selectFrom('subscribers')
    .select(['id as subscriber_id', 'reseller_id'])
    .where('id', '=', line.subscriber_id)
    .executeTakeFirst();
  if (!subscriber || !owns(tenant, subscriber)) throw notFound('subscriber_id');
  const { subscriber_id } = subscriber;
  await requireLineReferences(tx, subscriber, line);
  await checkForwards(tx, subscriber_id, line, line);
  const status = line.status ?? 'ACTIVE';
  if (status !== 'INACTIVE') await takeLinePlace(tx, subscriber_id);
  const sip_username = randomName();
  const sip_password = newSipPassword();
  const { extension, name, area_code } = line;
  try {
    const { id } = await tx
      .insertInto('lines')
      .values({
        subscriber_id,
        extension,
        name,
        area_code,
        status,
        max_concurrent_calls: line.max_concurrent_calls ?? 1,
        max_calls_per_second: line.max_calls_per_second ?? null,
        max_call_seconds: line.max_call_seconds ?? null,
        max_ring_seconds: line.max_ring_seconds ?? null,
        ...forwardsOf(line),
        allowed_classes: line.allowed_classes ?? [...DEFAULT_CLASSES],
        sales_plan_id: line.sales_plan_id ?? null,
        caller_id_did_id: line.caller_id_did_id ?? null,
        sip_username,
        sip_ha1: sipDigest(sip_username, sip_password),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id, subscriber_id, extension, sip_username, sip_password, sip_realm: SIP_REALM };
  } catch (error) {
    return nameLineDuplicate(error, extension);
  }
}
