import { type CheckedTrunk, sortedBy } from './check-rows.ts';
import { callerId, setting } from './quote.ts';
import type { LineRow } from './rows.ts';

/*
 * The templates in parentheses are in the server's own pjsip.conf, because they hold what only that server knows
 * (addresses). They keep these files small as well: loading time grows faster than their size. Their names have a
 * hyphen, which neither a line nor a trunk can have.
 */

/** One endpoint, auth and aor for each line, all three called as the phone calls itself. */
export function renderLines(lines: readonly LineRow[]): string[] {
  return sortedBy(lines, ({ sip_username }) => sip_username).flatMap((line) => {
    const name = line.sip_username;
    const row = `line ${name}`;
    return [
      `[${name}](pabx-line)`,
      setting('context', `from-${line.subscriber_id}`, row),
      setting('auth', name, row),
      setting('aors', name, row),
      setting('callerid', callerId(line.name, line.extension), row),
      `[${name}](pabx-line-auth)`,
      setting('username', name, row),
      setting('password_digest', `MD5:${line.sip_ha1}`, row),
      `[${name}](pabx-line-aor)`,
    ];
  });
}

/** One endpoint, aor and identify for each trunk. A trunk is known by its address alone, never by a name. */
export function renderTrunks(trunks: readonly CheckedTrunk[]): string[] {
  return sortedBy(trunks, ({ code }) => code).flatMap(({ code, address }) => {
    const row = `trunk ${code}`;
    return [
      `[${code}](pabx-trunk)`,
      setting('aors', code, row),
      `[${code}](pabx-trunk-aor)`,
      setting('contact', `sip:${address}`, row),
      `[${code}](pabx-trunk-identify)`,
      setting('endpoint', code, row),
      setting('match', address, row),
    ];
  });
}
