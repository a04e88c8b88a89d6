import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on this machine that can be cut and restored, as a cable can. */
export interface Link {
  readonly url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Loses every packet: connections stand, and nothing comes through until `restore` lets it be sent again. */
  silence(): void;
  restore(): void;
  close(): void;
}

/** What becomes of the bytes that a server sends on one connection: `pass` hands them on to the client. */
export type Passage = (pass: (data: Buffer) => void) => (data: Buffer) => void;

const unchanged: Passage = (pass) => pass;

/** Stands in front of the server that `url` names. */
export function startLink(url: string, passage: Passage = unchanged): Promise<Link> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let state: 'OPEN' | 'SILENT' | 'CUT' = 'OPEN';
  const keep = (socket: Socket, other: Socket, receive: (data: Buffer) => void) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
    // The other end sees the same break; there is nothing to do about it here.
    socket.on('error', () => socket.destroy());
    socket.on('data', receive);
    if (state === 'SILENT') socket.pause();
  };
  const cut = () => {
    state = 'CUT';
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (state === 'CUT') return client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    keep(client, upstream, (data) => upstream.write(data));
    const pass = passage((data) => {
      if (client.writable) client.write(data);
    });
    keep(upstream, client, pass);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const own = new URL(url);
      own.port = String(typeof address === 'object' ? address?.port : '');
      resolve({
        url: own.href,
        cut,
        silence() {
          state = 'SILENT';
          for (const socket of sockets) socket.pause();
        },
        restore() {
          state = 'OPEN';
          for (const socket of sockets) socket.resume();
        },
        close() {
          cut();
          server.close();
        },
      });
    });
  });
}
