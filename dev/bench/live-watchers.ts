import { once } from 'node:events';
import { WebSocket } from 'ws';

const MARK = '"dialled":"';
const DIGITS = 13;

/** Watchers of the live stream, and how old the oldest change of each message was when it came. */
export interface Watchers {
  /** Ages in ms since this was last asked. */
  ages_ms(): number[];
  messages(): number;
  close(): void;
}

async function connect(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/live`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  return socket;
}

/** The first row of a message has waited longest. */
function ageOf(data: Buffer): number | null {
  const at = data.indexOf(MARK);
  return at < 0
    ? null
    : Date.now() - Number(data.toString('latin1', at + MARK.length, at + MARK.length + DIGITS));
}

export async function watch(url: string, token: string, count: number): Promise<Watchers> {
  let ages: number[] = [];
  let messages = 0;
  const sockets: WebSocket[] = [];
  for (let number = 0; number < count; number += 1) {
    const socket = await connect(url, token);
    socket.on('message', (data: Buffer) => {
      messages += 1;
      const age = ageOf(data);
      if (age !== null) ages.push(age);
    });
    sockets.push(socket);
  }
  return {
    ages_ms() {
      const since = ages;
      ages = [];
      return since;
    },
    messages: () => messages,
    close() {
      for (const socket of sockets) socket.terminate();
    },
  };
}

/** Watchers that are let in and then read nothing at all. */
export async function stall(url: string, token: string, count: number): Promise<() => void> {
  const sockets: WebSocket[] = [];
  for (let number = 0; number < count; number += 1) {
    const socket = await connect(url, token);
    socket.pause();
    sockets.push(socket);
  }
  return () => {
    for (const socket of sockets) socket.terminate();
  };
}
