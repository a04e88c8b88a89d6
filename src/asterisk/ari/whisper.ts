import { randomUUID } from 'node:crypto';

/** Ids of the channels that carry a tone begin so. */
const PREFIX = 'pabx-tone-';
const START_TIMEOUT_ms = 2_000;

export const newToneChannel = (): string => PREFIX + randomUUID();

/** It carries a tone into a call, and is no leg of any. */
export const isToneChannel = (channel_id: string): boolean => channel_id.startsWith(PREFIX);

/** Waits for channels of our own to come under ARI's control: before that a switch refuses whatever is asked of them. */
export interface Starts {
  /** Whether the channel began in time. Has to be called before the switch is asked for it. */
  of(channel_id: string): Promise<boolean>;
  /** Whether this event is the beginning of a channel of our own, which is nobody else's business. */
  hear(event: unknown): boolean;
  /** It will not begin. */
  forget(channel_id: string): void;
  /** None will. */
  close(): void;
}

export function createStarts(): Starts {
  const waiting = new Map<string, (began: boolean) => void>();
  return {
    of: (channel_id) =>
      new Promise((resolve) => {
        const settle = (began: boolean) => {
          clearTimeout(timer);
          waiting.delete(channel_id);
          resolve(began);
        };
        const timer = setTimeout(settle, START_TIMEOUT_ms, false);
        waiting.set(channel_id, settle);
      }),
    hear(event) {
      const { type, channel } = event as { type?: unknown; channel?: { id?: unknown } };
      const id = channel?.id;
      if (type !== 'StasisStart' || typeof id !== 'string' || !isToneChannel(id)) return false;
      waiting.get(id)?.(true);
      return true;
    },
    forget: (channel_id) => waiting.get(channel_id)?.(false),
    close() {
      for (const settle of waiting.values()) settle(false);
    },
  };
}
