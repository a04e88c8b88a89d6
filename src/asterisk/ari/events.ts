import type { AriChannel } from './port.ts';

/** The events that call control lives on; a plain call makes six of them. */
export const CALL_EVENT_TYPES = ['StasisStart', 'Dial', 'ChannelDestroyed'] as const;

/** Places of the rendered dialplan that call control recognises a channel by. */
export const CONTEXTS = {
  grant: 'pabx-grant',
  refused: 'pabx-refused',
  emergency: 'pabx-emergency-call',
  offlineInternal: 'pabx-offline-internal',
  fromTrunk: 'from-trunk',
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
      readonly sip_username: string;
      readonly context: string;
      readonly exten: string;
      readonly callee: CallLeg;
      readonly progress: 'STARTED' | 'RINGING' | 'ANSWERED';
    })
  | (Moment & { readonly type: 'GONE'; readonly channel_id: string; readonly q850: number });

interface RawEvent {
  type?: string;
  timestamp?: string;
  channel?: AriChannel;
  caller?: AriChannel;
  peer?: AriChannel;
  dialstatus?: string;
  cause?: number;
}

/** Asterisk writes the zone as `+0000`, which ISO 8601 parsers want as `+00:00`. */
export function parseTimestamp(text: string): number {
  if (text.endsWith('+0000')) return Date.parse(`${text.slice(0, -5)}Z`);
  return Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

/** `PJSIP/k3x9…-0000001a` → `k3x9…`; null for channels that are no phone or trunk leg. */
export function endpointOf(channel_name: string): string | null {
  return /^PJSIP\/(.+)-[0-9a-f]+$/.exec(channel_name)?.[1] ?? null;
}

const PROGRESS: Readonly<Record<string, 'STARTED' | 'RINGING' | 'ANSWERED'>> = {
  '': 'STARTED',
  RINGING: 'RINGING',
  PROGRESS: 'RINGING',
  ANSWER: 'ANSWERED',
};

function dialling({ caller, peer, dialstatus = '' }: RawEvent, at_ms: number): CallEvent | null {
  const progress = PROGRESS[dialstatus];
  const sip_username = caller && endpointOf(caller.name);
  if (!caller || !peer || !progress || !sip_username) return null;
  return {
    type: 'DIALLING',
    at_ms,
    call_id: caller.id,
    sip_username,
    context: caller.dialplan.context,
    exten: caller.dialplan.exten,
    callee: { channel_id: peer.id, channel_name: peer.name },
    progress,
  };
}

function started({ channel }: RawEvent, at_ms: number): CallEvent | null {
  const endpoint = channel && endpointOf(channel.name);
  if (!channel || !endpoint) return null;
  const call = { at_ms, call_id: channel.id, dialled: channel.dialplan.exten };
  if (channel.dialplan.context !== CONTEXTS.fromTrunk)
    return { type: 'OFFERED', ...call, sip_username: endpoint };
  return { type: 'ARRIVED', ...call, trunk: endpoint, caller: channel.caller?.number ?? '' };
}

/** When the switch sent this, by its own clock; null: it does not say. Never throws. */
export function eventTime(raw: unknown): number | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const at_ms = parseTimestamp(String((raw as RawEvent).timestamp));
  return Number.isNaN(at_ms) ? null : at_ms;
}

/** Raw ARI JSON → what it means for a call, or null when it means nothing to us. Never throws. */
export function toCallEvent(raw: unknown): CallEvent | null {
  const at_ms = eventTime(raw);
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
