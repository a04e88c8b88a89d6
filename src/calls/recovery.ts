import { CONTEXTS, endpointOf, lineAnswering, parseTimestamp } from '../asterisk/ari/events.ts';
import type { AriChannel } from '../asterisk/ari/port.ts';
import { type GrantExten, parseGrant, type ReadGrant } from '../asterisk/grant-exten.ts';
import type { JournalEntry } from '../asterisk/journal.ts';
import type { LineFacts, Permission } from '../domain/authorize.ts';
import { permitInbound } from '../domain/authorize-inbound.ts';
import { billedSeconds, type Cadence, talkSeconds } from '../domain/cadence.ts';
import { type Grant, NO_GRANT } from '../domain/charge.ts';
import { permitPast } from '../domain/permit-past.ts';
import { standIn } from '../domain/ring-group.ts';
import type { StoredCall } from '../stores/redis/live-calls.ts';
import type { Directory } from './directory.ts';
import { type CallFacts, callFacts, decodeFacts, type LiveCall, newLiveCall } from './live-call.ts';
import { nameLine } from './ring-groups.ts';

/** The legs of one call as the switch's list of channels shows them. */
export interface SeenCall {
  readonly call_id: string;
  readonly sip_username: string;
  readonly exten: string;
  readonly created_at_ms: number;
  readonly root: string | null;
  readonly callee: { readonly channel_id: string; readonly channel_name: string } | null;
  /** A transfer took the caller away. */
  readonly caller_gone: boolean;
  readonly answered_at_ms: number | null;
  /** What slices after the first one had granted, if there were any. */
  readonly granted: Grant | null;
  /** The call that was sent on by this one. */
  readonly forwarded_from: string | null;
  /** SIP user of the line that answered it, or that sent it on to who did. */
  readonly answered_by: string | null;
}

const OURS: readonly string[] = [
  CONTEXTS.grant,
  CONTEXTS.emergency,
  CONTEXTS.offlineInternal,
  CONTEXTS.offlineOutbound,
];

/** As `formatGranted` wrote it on the channel. */
function parseGranted(text: string | undefined): Grant | null {
  const match = /^(\d+):(\d+)(?::(\d+):(\d+):(\d+))?$/.exec(text ?? '');
  if (!match) return null;
  const [bundle_seconds = 0, paid_seconds = 0, turn_seconds, bundle = 0, paid = 0] = match
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  if (turn_seconds === undefined) return { bundle_seconds, paid_seconds };
  return {
    bundle_seconds,
    paid_seconds,
    after_turn: { turn_seconds, bundle_seconds: bundle, paid_seconds: paid },
  };
}

/** Ids of the calls that a leg is left of: a caller's channel names its call, a called leg has the name from it. */
export function runningIds(channels: readonly AriChannel[]): Set<string> {
  const { callers, callees } = legsOf(channels);
  return new Set([...channels.map(({ id }) => id), ...callers.keys(), ...callees.keys()]);
}

/** What dials for a transfer, or to send a call on, has inherited whose call it comes from. */
function isCalledLeg({ name }: AriChannel): boolean {
  return !name.endsWith(';2') && !/@pabx-transferred-[0-9a-f]+;1$/.test(name);
}

function legsOf(channels: readonly AriChannel[]) {
  const callers = new Map<string, AriChannel>();
  const callees = new Map<string, AriChannel>();
  for (const channel of channels) {
    const call_id = channel.channelvars?.PABX_CALL;
    if (call_id && call_id !== channel.id) {
      if (isCalledLeg(channel)) callees.set(call_id, channel);
    } else if (call_id || OURS.includes(channel.dialplan.context)) callers.set(channel.id, channel);
  }
  return { callers, callees };
}

/**
 * Calls that were let go and still run, the oldest first: the callers' channels, each with its callee's. A call that was sent
 * on or transferred is younger than the one it comes from. A transfer may have taken the caller
 * away, or on to another place of the dialplan; variables tell what the call was granted.
 */
export function seenCalls(channels: readonly AriChannel[]): SeenCall[] {
  const { callers, callees } = legsOf(channels);
  const seen = [...new Set([...callers.keys(), ...callees.keys()])].flatMap((call_id) => {
    const caller = callers.get(call_id);
    const callee = callees.get(call_id);
    const channel = caller ?? callee;
    const { PABX_BY, PABX_GRANT } = channel?.channelvars ?? {};
    const sip_username = PABX_BY || (caller && endpointOf(caller.name));
    const exten = PABX_GRANT || caller?.dialplan.exten;
    if (!channel || !sip_username || !exten) return [];
    // A caller that was transferred has it too, and may have no called leg any more.
    const answered = callee?.channelvars?.PABX_ANSWERED || caller?.channelvars?.PABX_ANSWERED;
    const answered_at_ms = Math.round(Number(answered || Number.NaN));
    return [
      {
        call_id,
        sip_username,
        exten,
        created_at_ms: parseTimestamp(channel.creationtime),
        root: channel.channelvars?.PABX_ROOT || null,
        callee: callee ? { channel_id: callee.id, channel_name: callee.name } : null,
        caller_gone: caller === undefined,
        answered_at_ms: Number.isNaN(answered_at_ms) ? null : answered_at_ms,
        granted: parseGranted(callee?.channelvars?.PABX_GRANTED),
        forwarded_from: channel.channelvars?.PABX_FORWARDED_FROM || null,
        answered_by: callee && !Number.isNaN(answered_at_ms) ? lineAnswering(callee.name).sip_username : null,
      },
    ];
  });
  return seen.sort((one, other) => one.created_at_ms - other.created_at_ms);
}

/** The call as Redis knows it, with what the switch knows better. */
export function restoreCall(stored: StoredCall, seen: SeenCall | null, now: Moment): LiveCall {
  const call = newLiveCall(decodeFacts(stored.facts), stored.grant, 0, true);
  markAnswered(call, stored.answered_at_ms ?? seen?.answered_at_ms ?? null, now);
  call.callee = seen?.callee ?? null;
  call.caller_gone = seen?.caller_gone ?? false;
  return call;
}

export interface Moment {
  readonly wall_ms: number;
  readonly mono_ms: number;
}

export function markAnswered(call: LiveCall, answered_at_ms: number | null, now: Moment): void {
  if (answered_at_ms === null) return;
  call.phase = 'ANSWERED';
  call.answered_at_ms = answered_at_ms;
  call.answered_mono_ms = now.mono_ms - (now.wall_ms - answered_at_ms);
}

type EndedCall = Omit<JournalEntry, 'bucket' | 'kind' | 'q850'>;

export interface Rebuilder {
  /** A running call that only the switch knows. null when nothing can be made of it. */
  fromSwitch(server_id: string, seen: SeenCall, now: Moment): Promise<LiveCall | null>;
  /** Of a call to a group that is over: which line answered it. */
  nameLine(call: LiveCall, sip_username: string): Promise<void>;
  /** An ended call that only the switch's journal knows. */
  fromJournal(server_id: string, entry: EndedCall): Promise<LiveCall | null>;
}

/** What a switch tells of a call: the endpoint of the caller's channel, and the extension it was let go at. */
interface Known {
  readonly call_id: string;
  readonly sip_username: string;
  readonly exten: string;
  readonly created_at_ms: number;
  readonly root?: string | null;
  readonly forwarded_from: string | null;
  /** SIP user of the line that answered it; null: none did, or it is not known. */
  readonly answered_by: string | null;
}

interface Rebuilt {
  readonly line: LineFacts;
  readonly dialled: string;
  readonly permission: Permission;
}

/** So late may a switch be in ending a call. One that talked longer was granted more later on. */
const LATE_ms = 2_000;

/** Seconds that the payer's bundle slot has left for a call, by the ledger. */
export type LeftSeconds = (facts: CallFacts) => Promise<number>;

/**
 * Rebuilds calls when Redis has lost them (R3): the line and the extension it was let go at tell number and
 * grant; class, plan and rate are decided anew by the same rules.
 */
export function createRebuilder(directory: Directory, left: LeftSeconds, grace_seconds: number): Rebuilder {
  /** From outside: the caller's channel is the trunk's, and the extension names the line. It was let in, so it is permitted. */
  async function inbound(
    server_id: string,
    { kind, endpoint, number, caller_id }: GrantExten,
    { sip_username: trunk, answered_by }: Known,
  ): Promise<Rebuilt | null> {
    const group = kind === 'INBOUND_GROUP' ? await directory.group(endpoint) : null;
    const called = group ? (answered_by ?? standIn(group)) : endpoint;
    const line = called === null ? null : await directory.line(called);
    const cameBy = await directory.trunkNamed(server_id, trunk);
    if (!line || !cameBy) return null;
    const limits = await directory.number(number);
    return {
      line,
      dialled: number,
      permission: permitInbound(number, line, cameBy, caller_id, limits, group),
    };
  }

  async function outbound(
    server_id: string,
    known: Known,
    grant: GrantExten | null,
  ): Promise<Rebuilt | null> {
    const line = await directory.line(known.sip_username);
    if (!line) return null;
    // The extension of an emergency call carries only trunk and number.
    const dialled = grant?.number ?? known.exten.split('-').at(-1) ?? '';
    const trunk = await directory.trunk(server_id);
    const prices = await directory.prices(line, trunk, known.created_at_ms);
    const permission = permitPast(dialled, line, trunk, prices);
    return permission && { line, dialled, permission };
  }

  /** The switch let it talk only as long as it was granted, whatever slices came after the first, and then its grace. */
  function grantedBy(talk_ms: number, cadence: Cadence, grant: ReadGrant | null): number {
    const told_seconds = grant?.seconds ?? 0;
    const billed = (ms: number) => billedSeconds(talkSeconds(ms), cadence);
    if (!grant?.offline)
      return Math.max(billed(talk_ms - grace_seconds * 1000), told_seconds - grace_seconds, 0);
    const talked = billed(talk_ms);
    const told = billedSeconds(told_seconds, cadence);
    return talk_ms > told_seconds * 1000 + LATE_ms ? Math.max(talked, told) : told;
  }

  async function rebuild(server_id: string, known: Known, talk_ms: number): Promise<LiveCall | null> {
    const grant = parseGrant(known.exten);
    const rebuilt =
      grant?.kind === 'INBOUND' || grant?.kind === 'INBOUND_GROUP'
        ? await inbound(server_id, grant, known)
        : await outbound(server_id, known, grant);
    if (!rebuilt) return null;
    const { line, dialled, permission } = rebuilt;
    const { call_id, created_at_ms: at_ms, forwarded_from, root = null } = known;
    const offered = { call_id, server_id, dialled, at_ms, forwarded_from, root };
    const facts = callFacts(offered, line, permission);
    if (!facts.rate) return newLiveCall(facts, NO_GRANT, 0, facts.call_class !== 'EMERGENCY');
    const granted_seconds = grantedBy(talk_ms, facts.rate.cadence, grant);
    const bundle_seconds = facts.slot ? Math.max(0, Math.min(granted_seconds, await left(facts))) : 0;
    return newLiveCall(facts, { bundle_seconds, paid_seconds: granted_seconds - bundle_seconds }, 0, true);
  }

  return {
    async fromSwitch(server_id, seen, now) {
      const talk_ms = seen.answered_at_ms === null ? 0 : now.wall_ms - seen.answered_at_ms;
      const call = await rebuild(server_id, seen, talk_ms);
      if (!call) return null;
      if (call.facts.rate && seen.granted) call.grant = seen.granted;
      call.callee = seen.callee;
      call.caller_gone = seen.caller_gone;
      markAnswered(call, seen.answered_at_ms, now);
      return call;
    },
    async nameLine(call, sip_username) {
      await nameLine(directory, call, sip_username);
    },
    async fromJournal(server_id, entry) {
      const answered_at_ms = entry.ended_at_ms - entry.talk_ms;
      const call = await rebuild(server_id, { ...entry, created_at_ms: answered_at_ms }, entry.talk_ms);
      if (!call || entry.talk_ms === 0) return call;
      call.phase = 'ANSWERED';
      call.answered_at_ms = answered_at_ms;
      return call;
    },
  };
}
