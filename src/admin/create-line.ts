import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { CreatedLine, NewLine } from '../contract/lines.ts';
import { ProblemError } from '../contract/problem.ts';
import { isAreaCode } from '../domain/area-codes.ts';
import { canBeExtension } from '../domain/short-codes.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { Tenant } from '../stores/postgres/tokens.ts';

/** Part of every phone's digest; changing it would make all passwords wrong. */
export const SIP_REALM = 'pabx';

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A user name that cannot be guessed from the extension: scanners try those first. */
function randomName(): string {
  return Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/**
 * The digest (RFC 8760, HA1 of RFC 2617) is all that Asterisk needs and all that is kept: it opens one realm
 * of one user, and gives no password away.
 */
export function sipDigest(username: string, password: string): string {
  return createHash('md5').update(`${username}:${SIP_REALM}:${password}`).digest('hex');
}

function check(line: NewLine): void {
  const errors: { field: string; message: string }[] = [];
  if (!canBeExtension(line.extension)) {
    errors.push({ field: 'extension', message: `${line.extension} is a public short code` });
  }
  if (!isAreaCode(line.area_code)) {
    errors.push({ field: 'area_code', message: `${line.area_code} is no Brazilian area code` });
  }
  if (errors.length > 0) throw new ProblemError('INVALID_REQUEST', 'the line cannot be created', errors);
}

function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505';
}

/** Creates a line of a subscriber that the tenant owns. The password is in the answer and nowhere else. */
export async function createLine(db: Db, tenant: Tenant, line: NewLine): Promise<CreatedLine> {
  check(line);
  const owner = await db
    .selectFrom('subscribers')
    .select('reseller_id')
    .where('id', '=', line.subscriber_id)
    .executeTakeFirst();
  if (!owner || (tenant.role !== 'MASTER' && tenant.reseller_id !== owner.reseller_id)) {
    throw new ProblemError('NOT_FOUND', 'there is no such subscriber');
  }
  const sip_username = randomName();
  const sip_password = randomBytes(18).toString('base64url');
  try {
    const { id } = await db
      .insertInto('lines')
      .values({ ...line, sip_username, sip_ha1: sipDigest(sip_username, sip_password) })
      .returning('id')
      .executeTakeFirstOrThrow();
    const { subscriber_id, extension } = line;
    return { id, subscriber_id, extension, sip_username, sip_password, sip_realm: SIP_REALM };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = `extension ${line.extension} is taken`;
    throw new ProblemError('CONFLICT', message, [{ field: 'extension', message }]);
  }
}
