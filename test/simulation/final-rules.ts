import { talkPaidBy } from '../../src/domain/cadence.ts';
import type { CallRecord } from '../../src/stores/postgres/settlements.ts';
import { isFault } from './history.ts';
import { brief, calmAt, require } from './rules.ts';
import type { TrueCall } from './true-call.ts';
import type { World } from './world.ts';

const talked = ({ answered_ms, ended_ms }: TrueCall) => (ended_ms ?? 0) - (answered_ms ?? 0);

/** Whether its switch went down in the middle of it, or lost what it had written of it. */
function unproven(world: World, call: TrueCall): boolean {
  return (
    call.ended_by === 'CRASH' ||
    call.stepped ||
    world.history.actions.some(
      (action) =>
        action.do === 'SWITCH_KILLED' && Math.abs(action.at_ms - (call.ended_ms ?? 0)) <= action.unwritten_ms,
    )
  );
}

/** Each answered call has its record, and the record has its talk. */
function records(world: World): void {
  for (const call of world.calls()) {
    const record = world.ledger.calls.get(call.call_id);
    if (call.answered_ms === null) {
      require(!record || record.talk_ms === 0, 'nobody pays for ringing', () => ({ ...brief(call), record }));
      continue;
    }
    const lost = unproven(world, call);
    if (!record) {
      const known = !lost && talked(call) > 0;
      require(!known, 'an answered call has a record', () => brief(call));
      continue;
    }
    const off = Number(record.talk_ms) - talked(call);
    const exact = Math.abs(off) <= 1;
    require(lost ? call.stepped || off <= 1 : exact, 'the record has the talk that was', () => ({
      ...{ off, reason: record.end_reason, talk_ms: record.talk_ms, true_ms: talked(call) },
      ...brief(call),
    }));
    require(record.billed_seconds <= record.granted_seconds, 'nobody pays for more than was granted', () =>
      record);
  }
}

/** The talk that a record’s grant pays for. */
function paidFor(record: CallRecord, call: TrueCall): number | null {
  if (record.cadence === null || record.cadence === undefined) return null;
  const funded = talkPaidBy(Number(record.granted_seconds), call.line.terms.cadence);
  return Math.min(funded, call.line.facts.max_call_seconds ?? Number.POSITIVE_INFINITY) * 1000;
}

/** Calls are cut on the second on which their money ends, and never before. */
function cuts(world: World): void {
  const { grace_seconds } = world.history.times;
  for (const call of world.calls()) {
    const record = world.ledger.calls.get(call.call_id);
    const paid_ms = record && call.answered_ms !== null ? paidFor(record, call) : null;
    if (paid_ms === null || call.stepped) continue;
    const over_ms = talked(call) - paid_ms;
    const calm =
      calmAt(world, call.ended_ms ?? 0) && calmAt(world, call.answered_ms ?? 0) && !disturbed(world, call);
    const told = () => ({ over_ms, paid_ms, granted: record?.granted_seconds, ...brief(call) });
    if (calm) require(over_ms <= 1, 'a call ends when its money ends', told);
    require(over_ms <= grace_seconds * 1000 + 1_000 ||
      disturbed(world, call), 'a switch ends a call by itself when nobody pays any more', told);
    const cut = call.ended_by === 'CONTROL' && !world.hungUp.has(call.call_id);
    if (cut) require(over_ms >= -1, 'no call is cut before its money ends', told);
    if (cut || call.ended_by === 'TIME_OUT')
      require(call.plan.to !== 'EMERGENCY', 'nobody cuts an emergency call', told);
  }
}

/** Something that makes times imprecise went on while it talked. */
function disturbed(world: World, call: TrueCall): boolean {
  return world.history.actions.some(
    (action) =>
      isFault(action) &&
      action.at_ms <= (call.ended_ms ?? 0) &&
      action.at_ms + action.for_ms + 20_000 >= (call.answered_ms ?? 0),
  );
}

function emergencies(world: World): void {
  for (const call of world.calls().filter(({ plan }) => plan.to === 'EMERGENCY')) {
    // Its switch's own time-out of two hours goes by a clock that was set ahead.
    if (call.stepped) continue;
    require(call.let_go_ms === call.dialled_ms, 'an emergency call waits for nobody', () => brief(call));
    const allowed = ['PHONE', 'UNANSWERED', 'CRASH'];
    require(allowed.includes(call.ended_by ?? ''), 'nobody ends an emergency call', () => brief(call));
  }
}

/** When everything is over nothing is left behind. */
function leftovers(world: World): void {
  const { control } = world.process;
  const open = world.calls().filter(({ ended_ms }) => ended_ms === null);
  require(open.length === 0, 'every call has ended', () => open.map(brief));
  world.redis.expireAll();
  const kept = /^pabx:(epoch|done:|wallet:)/;
  const left = [...world.redis.held.keys()].filter((key) => !kept.test(key));
  require(left.length === 0, 'no slot, lease or call is left in Redis', () => left);
  for (const [key, wallet] of world.redis.held) {
    if (!(wallet instanceof Map)) continue;
    const holds = [...wallet].filter(([field, value]) => /^(held|moving)/.test(field) && Number(value) !== 0);
    require(holds.length === 0, 'nothing is held when nobody talks', () => ({ key, holds }));
  }
  require(control?.controller.live.size === 0, 'no call is known that does not run', () => [
    ...(control?.controller.live.keys() ?? []),
  ]);
  require(control?.board.rows({}).length === 0, 'the board is empty', () => control?.board.rows({}));
  require(control?.settler.waiting() === 0, 'no record waits', () => control?.settler.waiting());
}

/** Redis has the wallets as the ledger has them. */
async function wallets(world: World): Promise<void> {
  for (const { facts } of world.house.subscribers) {
    const kept = world.redis.held.get(`pabx:wallet:${facts.subscriber_id}`);
    const wallet = (await world.ledger.readWallets([facts.subscriber_id])).get(facts.subscriber_id);
    if (!(kept instanceof Map) || !wallet || !kept.has('version')) continue;
    require(kept.get('balance') ===
      String(wallet.balance_micros), 'Redis has the balance of the ledger', () => ({
      redis: [...kept],
      ledger: wallet,
    }));
  }
}

/** In quiet times nothing goes wrong, so nobody complains. */
function complaints(world: World): void {
  if (world.history.actions.some(isFault)) return;
  // The very first thing is a Redis that never served.
  const loud = world.told.filter(({ level, at_ms }) => level !== 'info' && at_ms > 0);
  require(loud.length === 0, 'nothing is complained of when nothing is wrong', () => loud);
}

/** What must hold once everything is over. */
export async function checkEnd(world: World): Promise<void> {
  records(world);
  cuts(world);
  emergencies(world);
  leftovers(world);
  complaints(world);
  await wallets(world);
}
