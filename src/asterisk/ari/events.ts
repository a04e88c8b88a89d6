import type { AriChannel } from './port.ts';

/** The events that call control lives on; a plain call makes six of them. */
export const CALL_EVENT_TYPES = ['StasisStart', 'Dial', 'ChannelDestroyed'] as const;

/** Places of the rendered dialplan that call control recognises a channel by. */
export const CONTEXTS = {
  grant: 'pabx-grant',
  refused: 'pabx-refused',
  emergency: 'pabx-emergency-call',
  offlineInternal: 'pabx-offline-internal',
  offlineOutbound: 'pabx-offline-outbound',
  fromTrunk: 'from-trunk',
  forward: 'pabx-forward',
} as const;

interface Moment {
  /** By the switch's own clock, milliseconds since 1970. */
  readonly at_ms: number;
}

export interface CallLeg {
  readonly channel_id: string;
  readonly channel_name: string;
}

/** What a switch told about a call, in our words. `call_id` is the id of the caller's channel. */
export type CallEvent =
  | (Moment & {
      readonly type: 'OFFERED';
      readonly call_id: string;
      readonly sip_username: string;
      readonly dialled: string;
      /** The call that this one goes on with, when its line transferred it. */
      readonly root: string | null;
      /** The line did not dial, it sends a call on. */
      readonly forward: Forward | null;
    })
  /** From outside, over a trunk. */
  | (Moment & {
      readonly type: 'ARRIVED';
      readonly call_id: string;
      /** Code of the trunk. */
      readonly trunk: string;
      readonly dialled: string;
      /** What the other side says its number is: anything. */
      readonly caller: string;
    })
  | (Moment & {
      readonly type: 'DIALLING';
      readonly call_id: string;
      /** null: a transfer took the caller's place while it rang. */
      readonly sip_username: string | null;
      readonly context: string;
      readonly exten: string;
      readonly callee: CallLeg;
      readonly progress: 'STARTED' | 'RINGING' | 'ANSWERED';
    })
  | (Moment & { readonly type: 'GONE'; readonly channel_id: string; readonly q850: number });

type Offered = Extract<CallEvent, { type: 'OFFERED' }>;

export interface Forward {
  /** The call that is sent on. */
  readonly from: string;
  /** SIP users of the lines that sent it on before this one. */
  readonly senders: readonly string[];
}

interface RawEvent {
  type?: string;
  timestamp?: string;
  channel?: AriChannel;
  caller?: AriChannel;
  peer?: AriChannel;
  dialstatus?: string;
  cause?: number;
  args?: readonly string[];
}

/** Asterisk writes the zone as `+0000`, which ISO 8601 parsers want as `+00:00`. */
export function parseTimestamp(text: string): number {
  if (text.endsWith('+0000')) return Date.parse(`${text.slice(0, -5)}Z`);
  return Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

const TRANSFERRED = /^Local\/([a-z0-9]+)-.+@pabx-transferred-[0-9a-f]+;2$/;
const SENT_ON = /^Local\/([a-z0-9]+)-(.+)@pabx-forward-[0-9a-f]+;2$/;

/**
 * `PJSIP/k3x9…-0000001a` → `k3x9…`, and of the channel by which a line sends a call on, or transfers it, that line. null for
 * channels that are no leg of a phone, trunk or line.
 */
export function endpointOf(channel_name: string): string | null {
  const phone = /^PJSIP\/(.+)-[0-9a-f]+$/.exec(channel_name);
  return (phone ?? SENT_ON.exec(channel_name) ?? TRANSFERRED.exec(channel_name))?.[1] ?? null;
}

/** The line whose phone a called leg is, or who sent the call on there. */
export function lineAnswering(channel_name: string): { sip_username: string | null; sent_on: boolean } {
  const match = /^(PJSIP|Local)\/([a-z0-9]+)-/.exec(channel_name);
  return { sip_username: match?.[2] ?? null, sent_on: match?.[1] === 'Local' };
}

const PROGRESS: Readonly<Record<string, 'STARTED' | 'RINGING' | 'ANSWERED'>> = {
  '': 'STARTED',
  RINGING: 'RINGING',
  PROGRESS: 'RINGING',
  ANSWER: 'ANSWERED',
};

function dialling({ caller, peer, dialstatus = '' }: RawEvent, at_ms: number): CallEvent | null {
  const progress = PROGRESS[dialstatus];
  if (!caller || !peer || !progress) return null;
  return {
    type: 'DIALLING',
    at_ms,
    call_id: caller.id,
    sip_username: endpointOf(caller.name),
    context: caller.dialplan.context,
    exten: caller.dialplan.exten,
    callee: { channel_id: peer.id, channel_name: peer.name },
    progress,
  };
}

/** What the dialplan of forwarding says as it hands a call over: where it comes from, and `-<line>-<line>…` up to this one. */
function sentOn({ channel, args = [] }: RawEvent, offered: Omit<Offered, 'forward' | 'dialled'>): Offered {
  const [from = '', senders = ''] = args;
  const dialled = SENT_ON.exec(channel?.name ?? '')?.[2] ?? '';
  return { ...offered, dialled, forward: { from, senders: senders.split('-').slice(1, -1) } };
}

function started(event: RawEvent, at_ms: number): CallEvent | null {
  const { channel } = event;
  const endpoint = channel && endpointOf(channel.name);
  if (!channel || !endpoint) return null;
  const call = { at_ms, call_id: channel.id, dialled: channel.dialplan.exten };
  const offered = {
    type: 'OFFERED',
    ...call,
    sip_username: endpoint,
    root: channel.channelvars?.PABX_ROOT || null,
  } as const;
  if (channel.dialplan.context === CONTEXTS.forward) return sentOn(event, offered);
  if (channel.dialplan.context !== CONTEXTS.fromTrunk) return { ...offered, forward: null };
  return { type: 'ARRIVED', ...call, trunk: endpoint, caller: channel.caller?.number ?? '' };
}

/** When the switch sent this, by its own clock; null: it does not say. Never throws. */
export function eventTime(raw: unknown): number | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const at_ms = parseTimestamp(String((raw as RawEvent).timestamp));
  return Number.isNaN(at_ms) ? null : at_ms;
}

/** Raw ARI JSON → what it means for a call, or null when it means nothing to us. Never throws. */
export function toCallEvent(raw: unknown, at_ms = eventTime(raw)): CallEvent | null {
  if (at_ms === null) return null;
  const event = raw as RawEvent;
  switch (event.type) {
    case 'StasisStart':
      return started(event, at_ms);
    case 'Dial':
      return dialling(event, at_ms);
    case 'ChannelDestroyed':
      if (!event.channel) return null;
      return { type: 'GONE', at_ms, channel_id: event.channel.id, q850: event.cause ?? 0 };
    default:
      return null;
  }
}
