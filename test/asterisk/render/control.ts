import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import WebSocket from 'ws';

/** What a test decides about a call that has entered Stasis: where it goes on, or null to leave it waiting. */
export type Decision = (event: AriEvent) => { context: string; extension: string } | null;

export interface AriChannel {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly dialplan: { readonly context: string; readonly exten: string };
  readonly channelvars?: Readonly<Record<string, string>>;
}

export interface AriEvent {
  readonly type: string;
  readonly timestamp: string;
  readonly args?: readonly string[];
  readonly channel?: AriChannel;
  readonly peer?: AriChannel;
  readonly dialstatus?: string;
  readonly cause?: number;
}

/** The least of a control plane: it decides as told, and remembers what it heard. */
export interface Control {
  readonly events: AriEvent[];
  decide: Decision;
  request(method: string, path: string): Promise<{ status: number; body: string }>;
  channels(): Promise<AriChannel[]>;
  /** Ends the event socket, as a control plane that dies does; requests still work. */
  close(): Promise<void>;
  closed(): boolean;
}

export async function connectControl(port: number, password: string): Promise<Control> {
  const authorization = `Basic ${Buffer.from(`pabx:${password}`).toString('base64')}`;
  const url = `ws://127.0.0.1:${port}/ari/events?app=pabx&subscribeAll=true`;
  const socket = new WebSocket(url, { headers: { authorization } });
  await once(socket, 'open');
  const request: Control['request'] = async (method, path) => {
    const answer = await fetch(`http://127.0.0.1:${port}/ari${path}`, { method, headers: { authorization } });
    return { status: answer.status, body: await answer.text() };
  };
  const control: Control = {
    events: [],
    decide: () => null,
    request,
    channels: async () => JSON.parse((await request('GET', '/channels')).body) as AriChannel[],
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
    closed: () => socket.readyState !== WebSocket.OPEN,
  };
  socket.on('message', (data) => {
    const event = JSON.parse(String(data)) as AriEvent;
    control.events.push(event);
    const next = event.type === 'StasisStart' ? control.decide(event) : null;
    if (next === null) return;
    const to = `context=${next.context}&extension=${encodeURIComponent(next.extension)}&priority=1`;
    void request('POST', `/channels/${event.channel?.id}/continue?${to}`);
  });
  return control;
}

/** One manager connection; an action's answer is all of its lines, those of a list too. */
export interface Manager {
  action(name: string, fields?: Readonly<Record<string, string>>): Promise<string>;
  close(): void;
}

export async function connectManager(port: number, password: string): Promise<Manager> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'data');
  let count = 0;
  const action: Manager['action'] = async (name, fields = {}) => {
    const id = `a${++count}`;
    const lines = Object.entries({ Action: name, ActionID: id, ...fields }).map(
      ([key, value]) => `${key}: ${value}`,
    );
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return answerTo(socket, id);
  };
  const answer = await action('Login', { Username: 'pabx', Secret: password, Events: 'off' });
  if (!answer.includes('Response: Success')) throw new Error(answer);
  return { action, close: () => socket.destroy() };
}

async function answerTo(socket: Socket, id: string): Promise<string> {
  let text = '';
  for await (const [chunk] of on(socket)) {
    text += String(chunk);
    const own = text
      .split('\r\n\r\n')
      .slice(0, -1)
      .filter((message) => message.includes(`ActionID: ${id}`));
    const list = own.some((message) => /EventList: start/i.test(message));
    const complete = own.some((message) => /EventList: Complete/i.test(message));
    if (own.length > 0 && (!list || complete)) return own.join('\n\n');
  }
  return text;
}

async function* on(socket: Socket): AsyncGenerator<unknown[]> {
  for (;;) yield await once(socket, 'data');
}
