import { type CallEvent, CONTEXTS } from '../asterisk/ari/events.ts';
import { formatGrant, type GrantExten } from '../asterisk/grant-exten.ts';
import type { Switch } from '../asterisk/session.ts';
import { authorize, type LineFacts, NO_PRICES, type Permission } from '../domain/authorize.ts';
import { authorizeInbound, calledNumber, callerNumber } from '../domain/authorize-inbound.ts';
import { NO_GRANT } from '../domain/charge.ts';
import { authorizeForward } from '../domain/forwarding.ts';
import { REFUSALS, type Refusal } from '../domain/refusals.ts';
import { standIn } from '../domain/ring-group.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import { NotOwner } from '../stores/redis/ownership.ts';
import type { Admissions } from './admission.ts';
import type { Brake } from './brake.ts';
import type { DecisionTimes } from './decision-times.ts';
import type { Directory } from './directory.ts';
import { besidesHeld } from './forwarding.ts';
import { NORMAL_CLEARING } from './hang-up.ts';
import { createLegs, endsWith } from './legs.ts';
import type { LiveBoard } from './live-board.ts';
import { type CallFacts, callFacts, type LiveCall, newLiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import { createMailboxes } from './mailbox.ts';
import type { RefusalLog } from './refusal-log.ts';
import { createRingGroups } from './ring-groups.ts';
import { type CallEnd, type Settler, settlementOf } from './settlement.ts';
import type { Slices } from './slices.ts';

export interface ControllerDependencies {
  readonly directory: Directory;
  readonly admissions: Admissions;
  readonly store: LiveCallStore;
  readonly slices: Slices;
  readonly brake: Brake;
  readonly settler: Settler;
  readonly refusals: RefusalLog;
  readonly board: LiveBoard;
  readonly decisionTimes: DecisionTimes;
  /** Kept by the controller, read by others. */
  readonly live: Map<string, LiveCall>;
  readonly log: Log;
}

export interface Controller {
  /** Works events off in order per call. Never throws, never waits. */
  handle(link: Switch, event: CallEvent): void;
  /** Calls that run, by id. */
  readonly live: ReadonlyMap<string, LiveCall>;
  /** Takes a call that runs already under control. */
  adopt(call: LiveCall): void;
  /** The legs of a known call as its switch shows them, after events may have been missed. */
  found(call: LiveCall, legs: Pick<LiveCall, 'callee' | 'caller_gone'>): void;
  /** Ends a call whose end was found out in another way than by its event. */
  end(call: LiveCall, end: CallEnd): void;
  /** Lets go of a server's calls as they are: another process has them. */
  forget(server_id: string): void;
  idle(): Promise<void>;
}

/** What a stranger dialled, fit for a record: at most 64 printable ASCII characters. */
function printable(dialled: string): string {
  return dialled.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}

/** Whom the switch dials. */
function endpointOf(route: Permission['route']): Pick<GrantExten, 'kind' | 'endpoint'> {
  switch (route.kind) {
    case 'TRUNK':
      return { kind: 'TRUNK', endpoint: route.trunk.code };
    case 'LINE':
      return { kind: 'LINE', endpoint: route.sip_username };
    case 'GROUP':
      return { kind: 'GROUP', endpoint: route.group.code };
    case 'INBOUND':
      return route.group
        ? { kind: 'INBOUND_GROUP', endpoint: route.group.code }
        : { kind: 'INBOUND', endpoint: route.sip_username };
  }
}

function grantExten(permission: Permission, seconds: number, left_out: string): GrantExten {
  const { route, ring_seconds, caller_id } = permission;
  return { ...endpointOf(route), number: route.number, seconds, ring_seconds, caller_id, left_out };
}

type Offer = Extract<CallEvent, { type: 'OFFERED' }>;
type Arrival = Extract<CallEvent, { type: 'ARRIVED' }>;
type Dialling = Extract<CallEvent, { type: 'DIALLING' }>;
type Gone = Extract<CallEvent, { type: 'GONE' }>;

const EVERYBODY = { left_out: '' };

const forwardedFrom = (event: Offer | Arrival) => (event.type === 'OFFERED' && event.forward?.from) || null;

/** One call from its offer to its record: decide, let go, watch, meter, settle. */
export function createController(deps: ControllerDependencies): Controller {
  const { directory, admissions, store, slices, brake, settler, refusals, board, decisionTimes, live, log } =
    deps;
  const ringGroups = createRingGroups(directory, store);
  const mailboxes = createMailboxes((error, call) =>
    log.error({ err: error, call }, 'an event of a call failed'),
  );
  const legs = createLegs();

  /** When calls that wait for a decision were offered, by our monotonic clock. */
  const offered_mono_ms = new Map<string, number>();

  function decided(call_id: string): void {
    const since = offered_mono_ms.get(call_id);
    if (since !== undefined) decisionTimes.add(performance.now() - since);
    offered_mono_ms.delete(call_id);
  }

  async function refuse(
    link: Switch,
    offer: Offer | Arrival,
    refusal: Refusal,
    known: Partial<CallFacts>,
  ): Promise<void> {
    const { q850 } = REFUSALS[refusal.reason];
    decided(offer.call_id);
    await link.ari.continueAt(offer.call_id, CONTEXTS.refused, `R-${q850}`);
    refusals.add({
      call_id: offer.call_id,
      server_id: link.server_id,
      reseller_id: known.reseller_id ?? null,
      subscriber_id: known.subscriber_id ?? null,
      line_id: known.line_id ?? null,
      direction: offer.type === 'ARRIVED' ? 'IN' : 'OUT',
      caller_number: (offer.type === 'ARRIVED' && callerNumber(offer.caller)) || null,
      forwarded_from: forwardedFrom(offer),
      dialled: printable(offer.dialled),
      number: known.number ?? null,
      call_class: known.call_class ?? null,
      reason: refusal.reason,
      detail: refusal.detail ?? null,
      limit_level: refusal.limit?.level ?? null,
      limit_direction: refusal.limit?.direction ?? null,
      limit_value: refusal.limit?.limit ?? null,
      holders: refusal.limit ? [...refusal.limit.holders] : null,
      created_at: new Date(offer.at_ms),
    });
    log.info({ call: offer.call_id, ...refusal }, 'call refused');
  }

  async function letGo(
    link: Switch,
    call: LiveCall,
    permission: Permission,
    left_out: string,
  ): Promise<void> {
    live.set(call.facts.call_id, call);
    decided(call.facts.call_id);
    const exten = formatGrant(grantExten(permission, slices.talkLimit(call), left_out));
    const accepted = await link.ari.continueAt(call.facts.call_id, CONTEXTS.grant, exten);
    // Not accepted: the caller hung up meanwhile, and the event that says so is next in the mailbox.
    if (accepted) board.upsert(call);
  }

  async function offer(link: Switch, event: Offer): Promise<void> {
    const line = await directory.line(event.sip_username);
    if (!line)
      return refuse(link, event, { reason: 'UNKNOWN_LINE', detail: printable(event.sip_username) }, {});
    const trunk = await directory.trunk(link.server_id);
    // By our clock, which is the one that prices were dated by.
    const prices = await directory.prices(line, trunk, Date.now());
    const { dialled, forward } = event;
    const verdict = forward
      ? authorizeForward(dialled, line, trunk, prices, forward.senders)
      : authorize(dialled, line, trunk, prices);
    const { subscriber_id, reseller_id } = line.subscriber;
    if (!verdict.permitted) {
      const { destination } = verdict;
      const known = { line_id: line.line_id, subscriber_id, reseller_id };
      const meant = destination && { number: destination.number, call_class: destination.class };
      return refuse(link, event, verdict.refusal, { ...known, ...meant });
    }
    const { permission } = verdict;
    await admit(link, event, line, permission);
  }

  /** From outside: nobody dials it here and nobody pays, yet it takes slots. */
  async function arrive(link: Switch, event: Arrival): Promise<void> {
    const { server_id } = link;
    const called = calledNumber(event.dialled);
    const number = called === null ? null : await directory.number(called);
    const group = number?.group_code ? await directory.group(number.group_code) : null;
    const rung = group ? standIn(group) : number?.sip_username;
    const line = rung ? await directory.line(rung) : null;
    const trunk = await directory.trunkNamed(server_id, event.trunk);
    const verdict = authorizeInbound(callerNumber(event.caller), number, line, trunk, server_id, group);
    if (verdict.permitted && line) return admit(link, event, line, verdict.permission);
    if (verdict.permitted) return;
    await refuse(link, event, verdict.refusal, {
      ...(number?.subscriber_id && { reseller_id: number.reseller_id, subscriber_id: number.subscriber_id }),
      ...(line && { line_id: line.line_id }),
      ...(called !== null && { number: called }),
      call_class: 'INBOUND',
    });
  }

  async function admit(
    link: Switch,
    event: Offer | Arrival,
    line: LineFacts,
    permission: Permission,
  ): Promise<void> {
    const { server_id } = link;
    const forwarded_from = forwardedFrom(event);
    const offered = { ...event, server_id, forwarded_from, dialled: printable(event.dialled) };
    const facts = besidesHeld(callFacts(offered, line, permission), live);
    // Emergency calls depend on nothing (R15), and internal ones are never blocked.
    const blockable = facts.call_class !== 'EMERGENCY' && facts.call_class !== 'INTERNAL';
    const block = blockable ? await brake.refusalOf(facts) : null;
    if (block) return refuse(link, event, block, facts);
    const group = 'group' in permission.route ? permission.route.group : null;
    const ringing = group ? await ringGroups.ring(group) : EVERYBODY;
    if ('refusal' in ringing) return refuse(link, event, ringing.refusal, facts);
    const { left_out } = ringing;
    // Emergency calls depend on nothing (R15); what costs nothing goes on when Redis is away (R12).
    const costless = facts.call_class === 'INTERNAL' || facts.call_class === 'INBOUND';
    const optional = costless && !store.ready();
    if (facts.call_class === 'EMERGENCY' || optional) {
      return letGo(link, newLiveCall(facts, NO_GRANT, 0, false), permission, left_out);
    }
    const admission = await admissions.admit(facts);
    if (admission.admitted) {
      const { grant, more_seconds } = admission;
      brake.began(admission.facts, grant);
      return letGo(link, newLiveCall(admission.facts, grant, more_seconds, true), permission, left_out);
    }
    if (admission.refusal) await refuse(link, event, admission.refusal, facts);
  }

  /** Stores that cannot be asked refuse the call, unless it is one that passes everything. */
  async function decide(link: Switch, event: Offer | Arrival): Promise<void> {
    // Told twice: what has become of the call since must not begin anew.
    if (live.has(event.call_id)) return;
    try {
      await (event.type === 'ARRIVED' ? arrive(link, event) : offer(link, event));
    } catch (error) {
      if (error instanceof NotOwner) return forgetCall(live.get(event.call_id));
      log.error({ err: error, call: event.call_id }, 'no decision could be made');
      // It was let go, and only the switch's answer is missing: whether it runs, events will tell.
      if (live.has(event.call_id)) return;
      await refuse(link, event, { reason: 'CONTROL_UNAVAILABLE', detail: 'ERROR' }, {});
    } finally {
      offered_mono_ms.delete(event.call_id);
    }
  }

  /** Emergency calls go out by the dialplan alone; this is how we hear of them. */
  async function watchEmergency(link: Switch, event: Dialling): Promise<LiveCall | null> {
    if (event.context !== CONTEXTS.emergency || event.progress !== 'STARTED') return null;
    const line = event.sip_username === null ? null : await directory.line(event.sip_username);
    const number = event.exten.split('-').at(-1) ?? '';
    if (!line) return null;
    const trunk = await directory.trunk(link.server_id);
    const verdict = authorize(number, line, trunk, NO_PRICES);
    if (!verdict.permitted) return null;
    const { call_id, at_ms } = event;
    const seen = { call_id, server_id: link.server_id, dialled: number, at_ms, forwarded_from: null };
    const call = newLiveCall(callFacts(seen, line, verdict.permission), NO_GRANT, 0, false);
    live.set(event.call_id, call);
    return call;
  }

  /** Of a call to a group: which line it is of. */
  async function tellLine(call: LiveCall): Promise<void> {
    await ringGroups.answered(call).catch((error: Error) => {
      log.warn({ err: error, call: call.facts.call_id }, 'the line that answered is not known everywhere');
    });
  }

  async function dialling(link: Switch, event: Dialling): Promise<void> {
    const call = live.get(event.call_id) ?? (await watchEmergency(link, event));
    // One that is answered may dial anew because it was transferred: that is a call of its own.
    if (!call || call.phase === 'ANSWERED') return;
    call.callee = event.callee;
    call.callee_gone = false;
    if (event.progress === 'RINGING' && call.phase === 'DIALLING') {
      call.phase = 'RINGING';
      call.ringing_at_ms = event.at_ms;
    }
    if (event.progress === 'ANSWERED') {
      call.phase = 'ANSWERED';
      call.answered_at_ms = event.at_ms;
      call.answered_mono_ms = link.clock.mono_ms(event.at_ms);
      slices.start(call);
      await tellLine(call);
      if (call.registered) {
        await store.answer(event.call_id, link.server_id, event.at_ms).catch((error: Error) => {
          log.warn({ err: error, call: event.call_id }, 'the answer is known to us alone');
        });
      }
    }
    board.upsert(call);
  }

  function forgetCall(call: LiveCall | undefined): void {
    if (!call) return;
    live.delete(call.facts.call_id);
    legs.drop(call.facts.call_id);
    slices.stop(call);
    board.handOver(call);
  }

  /** By the switch's clock (R9), less what it was set by meanwhile. */
  function talk_ms({ clock }: Switch, call: LiveCall, ended_at_ms: number): number {
    if (call.answered_at_ms === null || call.answered_mono_ms === null) return 0;
    return Math.max(0, ended_at_ms - call.answered_at_ms - clock.set_ms(call.answered_mono_ms));
  }

  async function finish(call: LiveCall, end: CallEnd): Promise<void> {
    const { call_id, server_id } = call.facts;
    if (live.get(call_id) !== call) return;
    live.delete(call_id);
    legs.drop(call_id);
    slices.stop(call);
    try {
      if (call.registered) await store.end(call_id, server_id);
    } catch (error) {
      // The new owner finds out by itself, and by what it knows.
      if (error instanceof NotOwner) return board.handOver(call);
      log.warn({ err: error, call: call_id }, 'slots are freed when Redis is back');
    }
    const { record, bill } = settlementOf(call, end);
    settler.add(record);
    brake.ended(call, bill, end.talk_ms);
    board.remove(call, end.reason, bill);
  }

  async function gone(link: Switch, event: Gone, call_id: string): Promise<void> {
    const call = live.get(call_id);
    if (!call) return;
    if (!endsWith(call, event.channel_id, legs.has(call_id))) {
      // Somebody was put into its caller's place, whose own call it would hide: such a transfer ends both.
      if (call.phase !== 'ANSWERED' && call.caller_gone && call.callee)
        await link.ari.hangUp(call.callee.channel_id, NORMAL_CLEARING);
      return;
    }
    const talked_ms = talk_ms(link, call, event.at_ms);
    const reason = talked_ms >= call.facts.longest_seconds * 1000 ? 'TOO_LONG' : 'HANGUP';
    await finish(call, {
      ended_at_ms: event.at_ms,
      talk_ms: talked_ms,
      reason: call.exhausted ? (call.blocked ? 'BLOCKED' : 'EXHAUSTED') : reason,
      q850: event.q850,
    });
  }

  return {
    live,
    handle(link, event) {
      switch (event.type) {
        case 'OFFERED':
        case 'ARRIVED':
          offered_mono_ms.set(event.call_id, performance.now());
          return mailboxes.post(event.call_id, () => decide(link, event));
        case 'DIALLING': {
          // Before it waits in the mailbox: its end may be told meanwhile.
          const call_id = legs.add(event.callee.channel_id, event.call_id);
          return mailboxes.post(call_id, () => dialling(link, { ...event, call_id }));
        }
        case 'GONE': {
          const call_id = legs.take(event.channel_id);
          return mailboxes.post(call_id, () => gone(link, event, call_id));
        }
      }
    },
    adopt(call) {
      live.set(call.facts.call_id, call);
      if (call.callee) legs.add(call.callee.channel_id, call.facts.call_id);
      if (call.phase === 'ANSWERED') slices.start(call);
      board.upsert(call);
      if (call.phase !== 'ANSWERED' || call.facts.ring_group_id === null) return;
      mailboxes.post(call.facts.call_id, async () => {
        await tellLine(call);
        board.upsert(call);
      });
    },
    found(call, { callee, caller_gone }) {
      call.callee ??= callee;
      call.caller_gone = caller_gone;
      if (call.callee) legs.add(call.callee.channel_id, call.facts.call_id);
    },
    end: (call, end) => mailboxes.post(call.facts.call_id, () => finish(call, end)),
    forget(server_id) {
      for (const call of live.values()) if (call.facts.server_id === server_id) forgetCall(call);
    },
    idle: () => mailboxes.idle(),
  };
}
