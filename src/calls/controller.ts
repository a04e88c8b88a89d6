import { type CallEvent, CONTEXTS } from '../asterisk/ari/events.ts';
import { formatGrant, type GrantExten } from '../asterisk/grant-exten.ts';
import type { Switch } from '../asterisk/session.ts';
import { authorize, type LineFacts, NO_PRICES, type Permission } from '../domain/authorize.ts';
import { authorizeInbound, calledNumber, callerNumber } from '../domain/authorize-inbound.ts';
import { NO_GRANT } from '../domain/charge.ts';
import { REFUSALS, type Refusal } from '../domain/refusals.ts';
import type { LiveCallStore } from '../stores/redis/live-calls.ts';
import type { Admissions } from './admission.ts';
import type { DecisionTimes } from './decision-times.ts';
import type { Directory } from './directory.ts';
import type { LiveBoard } from './live-board.ts';
import { type CallFacts, callFacts, type LiveCall, newLiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import { createMailboxes } from './mailbox.ts';
import type { RefusalLog } from './refusal-log.ts';
import { type CallEnd, type Settler, settlementOf } from './settlement.ts';
import type { Slices } from './slices.ts';

export interface ControllerDependencies {
  readonly directory: Directory;
  readonly admissions: Admissions;
  readonly store: LiveCallStore;
  readonly slices: Slices;
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
  /** Ends a call whose end was found out in another way than by its event. */
  end(call: LiveCall, end: CallEnd): void;
  idle(): Promise<void>;
}

/** What a stranger dialled, fit for a record: at most 64 printable ASCII characters. */
function printable(dialled: string): string {
  return dialled.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}

function grantExten(permission: Permission, talk_seconds: number): GrantExten {
  const { route, ring_seconds, caller_id } = permission;
  return {
    kind: route.kind,
    endpoint: route.kind === 'TRUNK' ? route.trunk.code : route.sip_username,
    number: route.number,
    seconds: talk_seconds,
    ring_seconds,
    caller_id,
  };
}

type Offer = Extract<CallEvent, { type: 'OFFERED' }>;
type Arrival = Extract<CallEvent, { type: 'ARRIVED' }>;
type Dialling = Extract<CallEvent, { type: 'DIALLING' }>;

/** One call from its offer to its record: decide, let go, watch, meter, settle. */
export function createController(deps: ControllerDependencies): Controller {
  const { directory, admissions, store, slices, settler, refusals, board, decisionTimes, live, log } = deps;
  const mailboxes = createMailboxes((error, call) =>
    log.error({ err: error, call }, 'an event of a call failed'),
  );

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

  async function letGo(link: Switch, call: LiveCall, permission: Permission): Promise<void> {
    live.set(call.facts.call_id, call);
    decided(call.facts.call_id);
    const exten = formatGrant(grantExten(permission, slices.talkLimit(call)));
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
    const verdict = authorize(event.dialled, line, trunk, prices);
    const { subscriber_id, reseller_id } = line.subscriber;
    if (!verdict.permitted) {
      const { destination } = verdict;
      const known = { line_id: line.line_id, subscriber_id, reseller_id };
      const dialled = destination && { number: destination.number, call_class: destination.class };
      return refuse(link, event, verdict.refusal, { ...known, ...dialled });
    }
    const { permission } = verdict;
    await admit(link, event, line, permission);
  }

  /** From outside: nobody dials it here and nobody pays, yet it takes slots. */
  async function arrive(link: Switch, event: Arrival): Promise<void> {
    const { server_id } = link;
    const called = calledNumber(event.dialled);
    const number = called === null ? null : await directory.number(called);
    const line = number?.sip_username ? await directory.line(number.sip_username) : null;
    const trunk = await directory.trunkNamed(server_id, event.trunk);
    const verdict = authorizeInbound(callerNumber(event.caller), number, line, trunk, server_id);
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
    const offered = { ...event, server_id: link.server_id, dialled: printable(event.dialled) };
    const facts = callFacts(offered, line, permission);
    // Emergency calls depend on nothing (R15); what costs nothing goes on when Redis is away (R12).
    const costless = facts.call_class === 'INTERNAL' || facts.call_class === 'INBOUND';
    const optional = costless && !store.ready();
    if (facts.call_class === 'EMERGENCY' || optional) {
      return letGo(link, newLiveCall(facts, NO_GRANT, 0, false), permission);
    }
    const admission = await admissions.admit(facts);
    if (admission.admitted) {
      const { grant, more_seconds } = admission;
      return letGo(link, newLiveCall(admission.facts, grant, more_seconds, true), permission);
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
    const line = await directory.line(event.sip_username);
    const number = event.exten.split('-').at(-1) ?? '';
    if (!line) return null;
    const trunk = await directory.trunk(link.server_id);
    const verdict = authorize(number, line, trunk, NO_PRICES);
    if (!verdict.permitted) return null;
    const seen = { call_id: event.call_id, server_id: link.server_id, dialled: number, at_ms: event.at_ms };
    const call = newLiveCall(callFacts(seen, line, verdict.permission), NO_GRANT, 0, false);
    live.set(event.call_id, call);
    return call;
  }

  async function dialling(link: Switch, event: Dialling): Promise<void> {
    const call = live.get(event.call_id) ?? (await watchEmergency(link, event));
    if (!call) return;
    call.callee = event.callee;
    if (event.progress === 'RINGING' && call.phase === 'DIALLING') {
      call.phase = 'RINGING';
      call.ringing_at_ms = event.at_ms;
    }
    if (event.progress === 'ANSWERED' && call.phase !== 'ANSWERED') {
      call.phase = 'ANSWERED';
      call.answered_at_ms = event.at_ms;
      call.answered_mono_ms = link.clock.mono_ms(event.at_ms);
      slices.start(call);
      if (call.registered) {
        await store.answer(event.call_id, event.at_ms).catch((error: Error) => {
          log.warn({ err: error, call: event.call_id }, 'the answer is known to us alone');
        });
      }
    }
    board.upsert(call);
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
    slices.stop(call);
    if (call.registered) {
      await store.end(call_id, server_id).catch((error: Error) => {
        log.warn({ err: error, call: call_id }, 'slots are freed when Redis is back');
      });
    }
    const { record, bill } = settlementOf(call, end);
    settler.add(record);
    board.remove(call, end.reason, bill);
  }

  async function gone(link: Switch, event: Extract<CallEvent, { type: 'GONE' }>): Promise<void> {
    const call = live.get(event.channel_id);
    if (!call) return;
    const talked_ms = talk_ms(link, call, event.at_ms);
    const reason = talked_ms >= call.facts.longest_seconds * 1000 ? 'TOO_LONG' : 'HANGUP';
    await finish(call, {
      ended_at_ms: event.at_ms,
      talk_ms: talked_ms,
      reason: call.exhausted ? 'EXHAUSTED' : reason,
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
        case 'DIALLING':
          return mailboxes.post(event.call_id, () => dialling(link, event));
        case 'GONE':
          return mailboxes.post(event.channel_id, () => gone(link, event));
      }
    },
    adopt(call) {
      live.set(call.facts.call_id, call);
      if (call.phase === 'ANSWERED') slices.start(call);
      board.upsert(call);
    },
    end: (call, end) => mailboxes.post(call.facts.call_id, () => finish(call, end)),
    idle: () => mailboxes.idle(),
  };
}
