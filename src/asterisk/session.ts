import { type AmiConnection, connectAmi } from './ami/connection.ts';
import { CALL_EVENT_TYPES, type CallEvent, eventTime, toCallEvent } from './ari/events.ts';
import type { AriPort, ConnectAri } from './ari/port.ts';
import { createSwitchClock, type SwitchClock } from './switch-clock.ts';

export interface SwitchAddress {
  readonly server_id: string;
  readonly name: string;
  readonly ari_url: string;
  readonly ami_host: string;
  readonly ami_port: number;
  readonly user: string;
  readonly ari_password: string;
  readonly ami_password: string;
}

/** A switch that can be asked and told, until it is lost. */
export interface Switch {
  readonly server_id: string;
  readonly name: string;
  readonly ari: AriPort;
  readonly ami: AmiConnection;
  /** Known beyond a loss of the link. */
  readonly clock: SwitchClock;
}

export interface SessionHandlers {
  /** While it says no, a link that was lost is not opened again: whoever connects takes the switch's events from others. */
  readonly mayConnect: () => boolean;
  /** Both links stand and events flow. Events that came before are handed over after it returns. */
  readonly onUp: (link: Switch) => Promise<void>;
  readonly onDown: (reason: Error) => void;
  readonly onEvent: (event: CallEvent) => void;
}

export interface Session {
  close(): void;
}

const FIRST_RETRY_ms = 200;
const LAST_RETRY_ms = 5_000;

/**
 * Keeps a switch connected for ever, with growing jittered pauses. An ARI socket repeats nothing that was
 * missed, so events are held back while `onUp` compares what runs with what is known.
 */
export function keepConnected(
  address: SwitchAddress,
  connectAri: ConnectAri,
  handlers: SessionHandlers,
): Session {
  const clock = createSwitchClock();
  let closed = false;
  let retry_ms = FIRST_RETRY_ms;
  let timer: NodeJS.Timeout | null = null;
  let current: { close(reason: Error): void } | null = null;

  const again = (reason: Error) => {
    current = null;
    if (closed) return;
    handlers.onDown(reason);
    timer = setTimeout(open, retry_ms * (0.5 + Math.random() / 2));
    retry_ms = Math.min(retry_ms * 2, LAST_RETRY_ms);
  };
  const open = () => {
    if (!handlers.mayConnect()) {
      timer = setTimeout(open, FIRST_RETRY_ms);
      return;
    }
    current = openLink(address, connectAri, handlers, clock, again, () => {
      retry_ms = FIRST_RETRY_ms;
    });
  };
  open();
  return {
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
      current?.close(new Error('closed'));
    },
  };
}

function openLink(
  address: SwitchAddress,
  connectAri: ConnectAri,
  handlers: SessionHandlers,
  clock: SwitchClock,
  onEnd: (reason: Error) => void,
  onUp: () => void,
) {
  let over = false;
  let ari: AriPort | null = null;
  let ami: AmiConnection | null = null;
  let held: CallEvent[] | null = [];

  const end = (reason: Error) => {
    if (over) return;
    over = true;
    ari?.close();
    ami?.close();
    onEnd(reason);
  };
  const receive = (raw: unknown) => {
    if (over) return;
    const at_ms = eventTime(raw);
    if (at_ms !== null) clock.heard(at_ms);
    const event = toCallEvent(raw, at_ms);
    if (!event) return;
    if (held) held.push(event);
    else handlers.onEvent(event);
  };
  const establish = async () => {
    ami = await connectAmi({
      host: address.ami_host,
      port: address.ami_port,
      user: address.user,
      password: address.ami_password,
      onLost: end,
    });
    ari = await connectAri({
      url: address.ari_url,
      user: address.user,
      password: address.ari_password,
      application: 'pabx',
      eventTypes: CALL_EVENT_TYPES,
      onEvent: receive,
      onLost: end,
    });
    if (over) return ari.close();
    await handlers.onUp({ server_id: address.server_id, name: address.name, ari, ami, clock });
    const early = held ?? [];
    held = null;
    for (const event of early) handlers.onEvent(event);
    onUp();
  };
  establish().catch((error: Error) => {
    ari?.close();
    end(error);
  });
  return { close: end };
}
