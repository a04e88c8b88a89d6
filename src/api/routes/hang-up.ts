import type { HangUp, HangUpAnswer } from '../../calls/hang-up.ts';
import type { LiveBoard } from '../../calls/live-board.ts';
import { hangUpRoute } from '../../contract/calls.ts';
import { say } from '../../contract/language.ts';
import { ProblemError } from '../../contract/problem.ts';
import { writeAudit } from '../../stores/postgres/audit.ts';
import type { Db } from '../../stores/postgres/connect.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import type { Binder } from '../bind.ts';
import { scopeOf } from '../live-scope.ts';

const PROBLEMS: Readonly<Record<Exclude<HangUpAnswer, 'ENDED'>, () => ProblemError>> = {
  GONE: notFound,
  EMERGENCY: () =>
    new ProblemError(
      'CONFLICT',
      say('nobody ends an emergency call from here', 'ninguém encerra por aqui uma chamada de emergência'),
    ),
  UNREACHABLE: () =>
    new ProblemError(
      'UNAVAILABLE',
      say(
        'the server of the call cannot be reached now; the call goes on',
        'o servidor da chamada não responde agora; a chamada continua',
      ),
    ),
};

export function addHangUpRoute(
  { bind }: Binder,
  { board, system, hangUp }: { readonly board: LiveBoard; readonly system: Db; readonly hangUp: HangUp },
): void {
  bind(hangUpRoute, async ({ viewer, params: { call_id } }) => {
    const row = board.rows(scopeOf(viewer.tenant)).find((one) => one.call_id === call_id);
    if (!row) throw notFound();
    // Written first, so that no call ends without it being known by whom, and kept only if one did.
    await system.transaction().execute(async (tx) => {
      await writeAudit(tx, {
        action: 'HANG_UP',
        object_type: 'calls',
        object_id: call_id,
        reseller_id: row.reseller_id,
        subscriber_id: row.subscriber_id,
        actor: viewer.actor,
        after: { phase: row.phase, line_id: row.line_id },
      });
      const answer = await hangUp(call_id);
      if (answer !== 'ENDED') throw PROBLEMS[answer]();
    });
    return null;
  });
}
