import type { CallEvent } from '../asterisk/ari/events.ts';
import type { Switch } from '../asterisk/session.ts';
import { NotOwner, type Ownership } from '../stores/redis/ownership.ts';

/** A link that does nothing to its switch unless this process is the owner. */
export interface Guard {
  /** Throws NotOwner in place of every act. Reading is free. */
  readonly link: Switch;
  /** Hands an event on, or drops it when the switch has another owner by now, who is told of it. */
  hear(event: CallEvent): void;
}

type Standing = Pick<Ownership, 'holds' | 'isOurs'>;

/**
 * Whether we may act on a switch: our lease has not ended, by our own clock. When it has, Redis is away, or we were
 * paused, and which of the two nobody can say but the switch: it sends events to one client alone, the last that came.
 */
function permission(link: Switch, ownership: Standing): () => Promise<boolean> {
  const { server_id } = link;
  let asking: Promise<boolean> | null = null;
  return async () => {
    if (ownership.holds(server_id)) return true;
    if (!ownership.isOurs(server_id)) return false;
    asking ??= link.ari.isListening().finally(() => {
      asking = null;
    });
    const listening = await asking;
    // The answer of Redis may have come meanwhile.
    return listening && ownership.isOurs(server_id);
  };
}

function guarded({ server_id, name, clock, ari, ami }: Switch, mayAct: () => Promise<boolean>): Switch {
  const act = async <T>(action: () => Promise<T>): Promise<T> => {
    if (!(await mayAct())) throw new NotOwner(server_id);
    return action();
  };
  return {
    server_id,
    name,
    clock,
    ari: {
      channels: () => ari.channels(),
      startedAt: () => ari.startedAt(),
      continueAt: (...where) => act(() => ari.continueAt(...where)),
      hangUp: (...which) => act(() => ari.hangUp(...which)),
      whisper: (...what) => act(() => ari.whisper(...what)),
      isListening: () => ari.isListening(),
      close: () => ari.close(),
    },
    ami: {
      send: (action) => act(() => ami.send(action)),
      list: (action) => ami.list(action),
      close: () => ami.close(),
    },
  };
}

/** `handle` gets the guarded link with each event, in the order in which they came. */
export function guardSwitch(
  link: Switch,
  ownership: Standing,
  handle: (link: Switch, event: CallEvent) => void,
): Guard {
  const mayAct = permission(link, ownership);
  const safe = guarded(link, mayAct);
  let doubtful: CallEvent[] | null = null;

  async function ask(events: readonly CallEvent[]): Promise<void> {
    const ours = await mayAct().catch(() => false);
    doubtful = null;
    if (ours) for (const event of events) handle(safe, event);
  }

  return {
    link: safe,
    hear(event) {
      if (doubtful) return void doubtful.push(event);
      if (ownership.holds(link.server_id)) return handle(safe, event);
      doubtful = [event];
      void ask(doubtful);
    },
  };
}
