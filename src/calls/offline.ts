import { resetOffline } from '../asterisk/ami/actions.ts';
import type { OfflineRefusal } from '../asterisk/journal.ts';
import type { Switch } from '../asterisk/session.ts';
import { classifyFor } from '../domain/permit-past.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type RefusalRecord, refusedAmong } from '../stores/postgres/refusals.ts';
import type { Directory } from './directory.ts';
import type { RefusalLog } from './refusal-log.ts';

/** What the dialplan decided while nobody else did. */
export interface OfflineBook {
  /** Takes refusals over into the records. Gives those that were not there yet. */
  record(link: Switch, refused: readonly OfflineRefusal[]): Promise<OfflineRefusal[]>;
  /** Every call that drew on the budgets is taken over or on its way to the ledger: they are whole again. */
  renewBudgets(link: Switch): Promise<void>;
}

export function createOfflineBook(db: Db, directory: Directory, refusals: RefusalLog): OfflineBook {
  async function recordOf(server_id: string, refused: OfflineRefusal): Promise<RefusalRecord> {
    const line = await directory.line(refused.sip_username);
    const meant = line && classifyFor(refused.dialled, line);
    const number = meant?.kind === 'NUMBER' ? meant : null;
    return {
      call_id: refused.call_id,
      server_id,
      reseller_id: line?.subscriber.reseller_id ?? null,
      subscriber_id: line?.subscriber.subscriber_id ?? null,
      line_id: line?.line_id ?? null,
      direction: 'OUT',
      caller_number: null,
      dialled: refused.dialled,
      number: number?.number ?? null,
      call_class: number?.class ?? null,
      reason: 'CONTROL_UNAVAILABLE',
      detail: `OFFLINE_${refused.why}`,
      limit_level: null,
      limit_direction: null,
      limit_value: null,
      holders: null,
      created_at: new Date(refused.ended_at_ms),
    };
  }

  return {
    async record(link, refused) {
      const known = await refusedAmong(
        db,
        refused.map(({ call_id }) => call_id),
      );
      const missing = refused.filter(({ call_id }) => !known.has(call_id));
      for (const one of missing) refusals.add(await recordOf(link.server_id, one));
      return missing;
    },
    renewBudgets: (link) => resetOffline(link.ami),
  };
}
