import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Proxy {
  /** The server's address, by way of the proxy. */
  readonly url: string;
  /** The server is away: links break and nobody answers. */
  cut(): Promise<void>;
  /** It is back, at the same address. */
  heal(): Promise<void>;
  /** Cuts as soon as this text goes to the server: it hears it, and its answer is lost. */
  cutAfter(text: string): void;
}

/** Stands before a server, so that a test can take it away and bring it back with all that it knows. */
export async function startProxy(serverUrl: string): Promise<Proxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let trigger: string | null = null;
  let server: Server | null = null;
  let port = 0;

  function forward(client: Socket): void {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (data) => {
      upstream.write(data);
      if (trigger === null || !data.includes(trigger)) return;
      trigger = null;
      client.destroy();
      upstream.end();
      void proxy.cut();
    });
    upstream.on('data', (data) => {
      if (!client.destroyed) client.write(data);
    });
  }

  const proxy: Proxy = {
    url: '',
    async cut() {
      const closing = server;
      server = null;
      if (!closing) return;
      const closed = once(closing, 'close');
      closing.close();
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
    async heal() {
      if (server) return;
      server = createServer(forward).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    cutAfter(text) {
      trigger = text;
    },
  };
  await proxy.heal();
  port = ((server as Server | null)?.address() as AddressInfo).port;
  target.port = String((server as unknown as Server & { address(): AddressInfo }).address().port);
  return { ...proxy, url: target.href };
}
