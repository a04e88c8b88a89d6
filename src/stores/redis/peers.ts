import { randomUUID } from 'node:crypto';
import { connectRedis } from './connect.ts';

/** What processes of one installation tell each other: to all that listen now, and kept for nobody. */
export interface Peers<Message> {
  /** Names this process to the others. */
  readonly id: string;
  /** What cannot be said now is lost: who joins is told everything anew. */
  say(message: Message): void;
  /** `joined`: something may have been missed, by us or by the others. */
  listen(heard: (message: Message, from: string) => void, joined: () => void): void;
  close(): void;
}

/** Channels belong to the whole Redis, and an installation to one of its databases. */
const channelOf = (database: number) => `pabx-peers:${database}`;

export function connectPeers<Message>(url: string, onError: (error: Error) => void): Peers<Message> {
  const id = randomUUID();
  const [speaking, listening] = [connectRedis(url, onError), connectRedis(url, onError)];
  const channel = channelOf(speaking.options.db ?? 0);
  let closed = false;
  const failed = (error: Error) => {
    if (!closed) onError(error);
  };
  return {
    id,
    say(message) {
      if (speaking.status !== 'ready') return;
      speaking.publish(channel, `${id} ${JSON.stringify(message)}`).catch(failed);
    },
    listen(heard, joined) {
      listening.on('message', (_, text: string) => {
        const from = text.slice(0, id.length);
        if (from !== id) heard(JSON.parse(text.slice(id.length + 1)) as Message, from);
      });
      const subscribe = () => {
        listening.subscribe(channel).then(joined, failed);
      };
      listening.on('ready', subscribe);
      if (listening.status === 'ready') subscribe();
      speaking.on('ready', joined);
    },
    close() {
      closed = true;
      speaking.disconnect();
      listening.disconnect();
    },
  };
}
