import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface CuttableLink {
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
export async function startProxy(serverUrl: string): Promise<CuttableLink> {
  const target = new URL(serverUrl);
  const [host, upstreamPort] = [target.hostname, Number(target.port)];
  const sockets = new Set<Socket>();
  let trigger: string | null = null;
  let server: Server | null = null;

  function keep(socket: Socket, other: Socket): void {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
  }

  function forward(client: Socket): void {
    const upstream = connect(upstreamPort, host);
    keep(client, upstream);
    keep(upstream, client);
    client.on('data', (data) => {
      upstream.write(data);
      if (trigger === null || !data.includes(trigger)) return;
      trigger = null;
      server?.close();
      server = null;
      client.resetAndDestroy();
    });
    upstream.on('data', (data) => client.write(data));
  }

  async function open(port: number): Promise<AddressInfo> {
    const opened = createServer(forward).listen(port, '127.0.0.1');
    await once(opened, 'listening');
    server = opened;
    return opened.address() as AddressInfo;
  }

  const { port } = await open(0);
  target.port = String(port);
  return {
    url: target.href,
    async cut() {
      server?.close();
      server = null;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async heal() {
      if (!server) await open(port);
    },
    cutAfter(text) {
      trigger = text;
    },
  };
}
