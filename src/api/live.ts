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
import { viewOf } from './live-scope.ts';
import { createLiveViewers, type Known, type LiveViewers, type Pipe } from './live-viewers.ts';
import { readPermissions, requireSection } from './permissions.ts';
import type { Viewer } from './viewer.ts';

export const LIVE_PATH = '/api/v1/live';

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

/** `?board=…&after=…` of who was here before; anything else is nobody who was. */
function knownBy(url: string): Known | null {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const board = query.get('board');
  const after = query.get('after') ?? '';
  return board !== null && /^\d{1,15}$/.test(after) ? { board, sequence: Number(after) } : null;
}

/** A socket that counts what it was given, and tells what of it the viewer's side has taken. */
function pipeOf(socket: WebSocket): Pipe & { taken(): number } {
  let given = 0;
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(data) {
      if (socket.readyState !== socket.OPEN) return;
      given += data.length;
      socket.send(data, { binary: false });
    },
    taken: () => given - socket.bufferedAmount,
  };
}

function endWithSession({ viewer }: Admitted, socket: WebSocket): void {
  if (viewer.session === null) return;
  const left_ms = Math.max(0, viewer.session.expires_at_ms - Date.now());
  const end = setTimeout(() => socket.close(CLOSE_REVOKED, 'session ended'), left_ms);
  socket.on('close', () => clearTimeout(end));
}

/** Calls `look` again and again with whether the viewer gave a sign of life since it was last asked for one. */
function lookAfter(socket: WebSocket, ping_ms: number, look: (alive: boolean) => void): void {
  let alive = true;
  const timer = setInterval(() => {
    look(alive);
    alive = false;
    socket.ping();
  }, ping_ms);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('close', () => clearInterval(timer));
}

function serve(
  viewers: LiveViewers,
  ping_ms: number,
  first: Admitted,
  socket: WebSocket,
  known: Known | null,
  admit: () => Promise<Admitted>,
): void {
  let admitted = first;
  const viewing = () => viewOf(admitted.viewer.tenant, admitted.permissions);
  const pipe = pipeOf(socket);
  const viewer = viewers.add(pipe, viewing(), known);
  let taken = 0;
  lookAfter(socket, ping_ms, (alive) => {
    const before = taken;
    taken = pipe.taken();
    // Who reads slowly answers late, behind all that waits for it. Who took nothing between two looks never will.
    const slow = viewers.isBehind(pipe);
    // Pings pile up too, so it may even seem to have given something back.
    if (slow && taken <= before) return socket.close(CLOSE_TOO_SLOW, 'too slow');
    if (!slow && !alive) return socket.terminate();
    // Revocations are told at once, but not to a process whose link to Redis was down; keys also expire, and what a
    // subscriber may see changes.
    admitAgain(admitted, admit).then((again) => {
      if (!again) return socket.close(CLOSE_REVOKED, 'no longer permitted');
      admitted = again;
      if (socket.readyState === socket.OPEN) viewer.mayView(viewing());
    });
  });
  // A session that ends by itself ends what it opened.
  endWithSession(first, socket);
  socket.on('error', () => socket.terminate());
  socket.on('close', viewer.leave);
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

/** Streams live calls: a snapshot, then what changes of the rows that the viewer may see. */
export function addLiveStream(app: FastifyInstance, deps: LiveStreamDependencies): void {
  const viewers = createLiveViewers(deps.board);
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
        const known = knownBy(request.url ?? '');
        serve(viewers, deps.ping_ms, admitted, client, known, () => admitViewer(deps, request));
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
  // Before the server waits for its sockets to end: these would not end by themselves.
  app.addHook('preClose', async () => {
    stopListening();
    viewers.close();
    app.server.off('upgrade', upgrade);
    for (const client of sockets.clients) client.close(1001, 'going away');
    sockets.close();
  });
}
