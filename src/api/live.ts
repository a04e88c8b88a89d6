import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { LiveBoard } from '../calls/live-board.ts';
import { say } from '../contract/language.ts';
import { PROBLEM_CODES, ProblemError } from '../contract/problem.ts';
import type { Permissions } from '../domain/permissions.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { readAs } from '../stores/postgres/tenancy.ts';
import type { Revocations } from '../stores/redis/sessions.ts';
import { type Authenticate, isOwnOrigin } from './authenticate.ts';
import { maskLive, maskMessage, scopeOf } from './live-scope.ts';
import { readPermissions, requireSection } from './permissions.ts';
import type { Viewer } from './viewer.ts';

export const LIVE_PATH = '/api/v1/live';

/** A viewer that lets this much pile up is dropped: it reads anew with a snapshot, and holds nobody's memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** Viewers say nothing; what they send is read only to notice that they live. */
const MAX_INCOMING_BYTES = 1024;
const CLOSE_TOO_SLOW = 4008;
const CLOSE_REVOKED = 4001;

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Asks anew whether a viewer may still watch; a store that is away decides nothing. */
async function admitAgain(before: Admitted, admit: () => Promise<Admitted>): Promise<Admitted | null> {
  try {
    return await admit();
  } catch (error) {
    return error instanceof ProblemError ? null : before;
  }
}

function serve(
  { board, ping_ms }: LiveStreamDependencies,
  first: Admitted,
  socket: WebSocket,
  admit: () => Promise<Admitted>,
): void {
  const { viewer } = first;
  let admitted = first;
  const stop = board.watch(scopeOf(viewer.tenant), (message) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.close(CLOSE_TOO_SLOW, 'too slow');
    const mask = maskLive(viewer.tenant.role, admitted.permissions);
    socket.send(JSON.stringify(maskMessage(message, mask)));
  });
  // A session that ends by itself ends what it opened.
  const left_ms = viewer.session === null ? null : viewer.session.expires_at_ms - Date.now();
  const end =
    left_ms === null
      ? null
      : setTimeout(() => socket.close(CLOSE_REVOKED, 'session ended'), Math.max(0, left_ms));
  let alive = true;
  const timer = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
    // Revocations are told at once, but not to a process whose link to Redis was down; keys also expire, and what a
    // subscriber may see changes.
    admitAgain(admitted, admit).then((again) => {
      if (again) admitted = again;
      else socket.close(CLOSE_REVOKED, 'no longer permitted');
    });
  }, ping_ms);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearInterval(timer);
    if (end) clearTimeout(end);
    stop();
  });
}

export interface LiveStreamDependencies {
  readonly board: LiveBoard;
  readonly authenticate: Authenticate;
  readonly tenants: Db;
  readonly revocations: Revocations;
  readonly origins: readonly string[];
  /** How often a viewer is looked after: whether it lives, and still may watch. */
  readonly ping_ms: number;
}

/** Who watches, and what the panel lets them see. */
interface Admitted {
  readonly viewer: Viewer;
  readonly permissions: Permissions | null;
}

/** Who may watch. Throws ProblemError for everybody else. */
async function admitViewer(deps: LiveStreamDependencies, request: IncomingMessage): Promise<Admitted> {
  const { headers, socket } = request;
  const viewer = await deps.authenticate({ headers, address: socket.remoteAddress ?? '', changes: false });
  // Sockets know no same-origin rule: any page could open one with the cookie of whoever looks at it.
  if (viewer.session && !isOwnOrigin(headers, deps.origins))
    throw new ProblemError('FORBIDDEN', say('another site opened this', 'outro site abriu isto'));
  if (!viewer.scopes.includes('READ'))
    throw new ProblemError('FORBIDDEN', say('the key may not read', 'a chave não pode ler'));
  const permissions = await readAs(deps.tenants, viewer.tenant, (tx) => readPermissions(tx, viewer.tenant));
  requireSection('section.live_calls', permissions, false);
  return { viewer, permissions };
}

/** Streams live calls: a snapshot, then every change of the rows that the viewer may see. */
export function addLiveStream(app: FastifyInstance, deps: LiveStreamDependencies): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INCOMING_BYTES,
    perMessageDeflate: false,
  });
  const credentials = new Map<WebSocket, string>();
  const stopListening = deps.revocations.subscribe((ids) => {
    for (const [socket, id] of credentials) if (ids.has(id)) socket.close(CLOSE_REVOKED, 'revoked');
  });
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // Not parsed as a URL: anybody may ask for what is none.
    if (request.url?.split('?', 1)[0] !== LIVE_PATH) return refuse(socket, 404);
    // What is revoked while its viewer is being let in closes nothing yet.
    const revoked = new Set<string>();
    const forget = deps.revocations.subscribe((ids) => {
      for (const id of ids) revoked.add(id);
    });
    try {
      const admitted = await admitViewer(deps, request);
      const { viewer } = admitted;
      if (revoked.has(viewer.credential_id)) return refuse(socket, 401);
      sockets.handleUpgrade(request, socket, head, (client) => {
        credentials.set(client, viewer.credential_id);
        client.on('close', () => credentials.delete(client));
        serve(deps, admitted, client, () => admitViewer(deps, request));
      });
    } catch (error) {
      if (error instanceof ProblemError) return refuse(socket, PROBLEM_CODES[error.code]);
      app.log.error({ err: error }, 'live stream refused');
      refuse(socket, 503);
    } finally {
      forget();
    }
  };
  app.server.on('upgrade', upgrade);
  app.addHook('onClose', async () => {
    stopListening();
    app.server.off('upgrade', upgrade);
    for (const client of sockets.clients) client.close(1001, 'going away');
    sockets.close();
  });
}
