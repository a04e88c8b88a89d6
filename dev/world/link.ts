import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on this machine that can be cut and restored, as a cable can. */
export interface Link {
  readonly url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  restore(): void;
  close(): void;
}

/** Stands in front of the server that `url` names. */
export function startLink(url: string): Promise<Link> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let open = true;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The other end sees the same break; there is nothing to do about it here.
    socket.on('error', () => socket.destroy());
  };
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (!open) return client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    keep(client);
    keep(upstream);
    client.pipe(upstream);
    upstream.pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const own = new URL(url);
      own.port = String(typeof address === 'object' ? address?.port : '');
      resolve({
        url: own.href,
        cut,
        restore() {
          open = true;
        },
        close() {
          cut();
          server.close();
        },
      });
    });
  });
}
