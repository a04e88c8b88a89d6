import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { LiveBoard } from '../calls/live-board.ts';
import type { Authenticate } from './authenticate.ts';
import { scopeOf } from './routes.ts';

export const LIVE_PATH = '/api/v1/live';

/** A viewer that lets this much pile up is dropped: it reads anew with a snapshot, and holds nobody's memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** Viewers say nothing; what they send is read only to notice that they live. */
const MAX_INCOMING_BYTES = 1024;
const PING_EVERY_ms = 15_000;
const CLOSE_TOO_SLOW = 4008;

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function serve(board: LiveBoard, scope: ReturnType<typeof scopeOf>, socket: WebSocket): void {
  const stop = board.watch(scope, (message) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.close(CLOSE_TOO_SLOW, 'too slow');
    socket.send(JSON.stringify(message));
  });
  let alive = true;
  const timer = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, PING_EVERY_ms);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearInterval(timer);
    stop();
  });
}

/** Streams live calls to whoever brings a token: a snapshot, then every change of the rows it may see. */
export function addLiveStream(app: FastifyInstance, board: LiveBoard, authenticate: Authenticate): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INCOMING_BYTES,
    perMessageDeflate: false,
  });
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== LIVE_PATH)
      return refuse(socket, '404 Not Found');
    try {
      const tenant = await authenticate(request.headers.authorization);
      sockets.handleUpgrade(request, socket, head, (client) => serve(board, scopeOf(tenant), client));
    } catch (error) {
      const known = (error as { code?: unknown }).code === 'UNAUTHENTICATED';
      if (!known) app.log.error({ err: error }, 'live stream refused');
      refuse(socket, known ? '401 Unauthorized' : '503 Service Unavailable');
    }
  };
  app.server.on('upgrade', upgrade);
  app.addHook('onClose', async () => {
    app.server.off('upgrade', upgrade);
    for (const client of sockets.clients) client.close(1001, 'going away');
    sockets.close();
  });
}
