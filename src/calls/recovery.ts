import { CONTEXTS, endpointOf, parseTimestamp } from '../asterisk/ari/events.ts';
import type { AriChannel } from '../asterisk/ari/port.ts';
import { type GrantExten, parseGrant } from '../asterisk/grant-exten.ts';
import type { JournalEntry } from '../asterisk/journal.ts';
import { authorize, type LineFacts, type Permission } from '../domain/authorize.ts';
import { permitInbound } from '../domain/authorize-inbound.ts';
import { billedSeconds, talkSeconds } from '../domain/cadence.ts';
import { type Grant, NO_GRANT } from '../domain/charge.ts';
import type { StoredCall } from '../stores/redis/live-calls.ts';
import type { Directory } from './directory.ts';
import { type CallFacts, callFacts, decodeFacts, type LiveCall, newLiveCall } from './live-call.ts';

/** The legs of one call as the switch's list of channels shows them. */
export interface SeenCall {
  readonly call_id: string;
  readonly sip_username: string;
  readonly context: string;
  readonly exten: string;
  readonly created_at_ms: number;
  readonly callee: { readonly channel_id: string; readonly channel_name: string } | null;
  readonly answered_at_ms: number | null;
  /** What slices after the first one had granted, if there were any. */
  readonly granted: Grant | null;
}

const OURS: readonly string[] = [CONTEXTS.grant, CONTEXTS.emergency, CONTEXTS.offlineInternal];

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

/** Calls that were let go and still run: the callers' channels, each with its callee's. */
export function seenCalls(channels: readonly AriChannel[]): SeenCall[] {
  const callees = new Map<string, AriChannel>();
  for (const channel of channels) {
    const call_id = channel.channelvars?.PABX_CALL;
    if (call_id && call_id !== channel.id) callees.set(call_id, channel);
  }
  return channels.flatMap((channel) => {
    const sip_username = endpointOf(channel.name);
    if (!sip_username || !OURS.includes(channel.dialplan.context)) return [];
    const callee = callees.get(channel.id);
    const answered_at_ms = Math.round(Number(callee?.channelvars?.PABX_ANSWERED || Number.NaN));
    return [
      {
        call_id: channel.id,
        sip_username,
        context: channel.dialplan.context,
        exten: channel.dialplan.exten,
        created_at_ms: parseTimestamp(channel.creationtime),
        callee: callee ? { channel_id: callee.id, channel_name: callee.name } : null,
        answered_at_ms: Number.isNaN(answered_at_ms) ? null : answered_at_ms,
        granted: parseGranted(callee?.channelvars?.PABX_GRANTED),
      },
    ];
  });
}

/** The call as Redis knows it, with what the switch knows better. */
export function restoreCall(stored: StoredCall, seen: SeenCall | null, now: Moment): LiveCall {
  const call = newLiveCall(decodeFacts(stored.facts), stored.grant, 0, true);
  markAnswered(call, stored.answered_at_ms ?? seen?.answered_at_ms ?? null, now);
  call.callee = seen?.callee ?? null;
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

export interface Rebuilder {
  /** A running call that only the switch knows. null when nothing can be made of it. */
  fromSwitch(server_id: string, seen: SeenCall, now: Moment): Promise<LiveCall | null>;
  /** An ended call that only the switch's journal knows. */
  fromJournal(server_id: string, entry: JournalEntry): Promise<LiveCall | null>;
}

/** What a switch tells of a call: the endpoint of the caller's channel, and the extension it was let go at. */
interface Known {
  readonly call_id: string;
  readonly sip_username: string;
  readonly exten: string;
  readonly created_at_ms: number;
}

interface Rebuilt {
  readonly line: LineFacts;
  readonly dialled: string;
  readonly permission: Permission;
}

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
    { endpoint, number, caller_id }: GrantExten,
    trunk: string,
  ): Promise<Rebuilt | null> {
    const line = await directory.line(endpoint);
    const cameBy = await directory.trunkNamed(server_id, trunk);
    return (
      line && cameBy && { line, dialled: number, permission: permitInbound(number, line, cameBy, caller_id) }
    );
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
    const verdict = authorize(dialled, line, trunk, await directory.prices(line, trunk, known.created_at_ms));
    return verdict.permitted ? { line, dialled, permission: verdict.permission } : null;
  }

  async function rebuild(server_id: string, known: Known, talk_ms: number): Promise<LiveCall | null> {
    const grant = parseGrant(known.exten);
    const rebuilt =
      grant?.kind === 'INBOUND'
        ? await inbound(server_id, grant, known.sip_username)
        : await outbound(server_id, known, grant);
    if (!rebuilt) return null;
    const { line, dialled, permission } = rebuilt;
    const offered = { call_id: known.call_id, server_id, dialled, at_ms: known.created_at_ms };
    const facts = callFacts(offered, line, permission);
    if (!facts.rate) return newLiveCall(facts, NO_GRANT, 0, facts.call_class !== 'EMERGENCY');
    // The switch let it talk only as long as it was granted, whatever slices came after the first, and then its grace.
    const talked = billedSeconds(talkSeconds(talk_ms - grace_seconds * 1000), facts.rate.cadence);
    const granted_seconds = Math.max(talked, (grant?.seconds ?? 0) - grace_seconds, 0);
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
      markAnswered(call, seen.answered_at_ms, now);
      return call;
    },
    async fromJournal(server_id, entry) {
      const answered_at_ms = entry.ended_at_ms - entry.talk_ms;
      const call = await rebuild(server_id, { ...entry, created_at_ms: answered_at_ms }, entry.talk_ms);
      if (!call) return null;
      call.phase = 'ANSWERED';
      call.answered_at_ms = answered_at_ms;
      return call;
    },
  };
}
