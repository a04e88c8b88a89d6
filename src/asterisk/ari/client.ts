import http from 'node:http';
import WebSocket from 'ws';
import { type AriChannel, AriError, type AriOptions, type AriPort } from './port.ts';
import {
  type AriResponse,
  createSocketRequests,
  RESPONSE_TYPE,
  type SocketRequests,
} from './socket-requests.ts';

const REQUEST_TIMEOUT_ms = 3_000;
const ECHO_EVERY_ms = 3_000;
const ECHO = 'pabx-echo';
const ECHO_TYPE = 'ChannelUserevent';
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

type Request = (method: string, path: string, body?: unknown) => Promise<AriResponse>;

function authorization({ user, password }: AriOptions): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** Plain requests over a few kept connections: a decision waits for one of these. */
function createRequest(options: AriOptions, agent: http.Agent): Request {
  const { hostname, port } = new URL(options.url);
  const headers = { authorization: authorization(options) };
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const request = http.request({
        agent,
        hostname,
        port,
        method,
        path: `/ari${path}`,
        timeout: REQUEST_TIMEOUT_ms,
        headers: payload === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      });
      request.on('timeout', () => request.destroy(new Error(`ARI ${method} ${path} timed out`)));
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_RESPONSE_BYTES) request.destroy(new Error('ARI answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      });
      request.end(payload);
    });
}

function openSocket(options: AriOptions): Promise<WebSocket> {
  const url = new URL('/ari/events', options.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('app', options.application);
  url.searchParams.set('subscribeAll', 'true');
  const socket = new WebSocket(url, {
    headers: { authorization: authorization(options) },
    handshakeTimeout: REQUEST_TIMEOUT_ms,
    perMessageDeflate: false,
    maxPayload: 1024 * 1024,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

/**
 * Asks the switch for an event of our own again and again. When it does not come, the socket is dead, or another
 * client has taken over the application: Asterisk then leaves our socket open, and silent for ever.
 */
function watch(application: string, request: Request, lost: (reason: Error) => void) {
  let heard = true;
  const path = `/events/user/${ECHO}?application=${encodeURIComponent(application)}`;
  const timer = setInterval(() => {
    if (!heard)
      return lost(new Error('ARI sends no events any more; does another client use the application?'));
    heard = false;
    request('POST', path).catch(lost);
  }, ECHO_EVERY_ms);
  return {
    /** Whether this event is the echo. */
    isEcho(event: unknown): boolean {
      const { type, eventname } = event as { type?: unknown; eventname?: unknown };
      if (type !== ECHO_TYPE || eventname !== ECHO) return false;
      heard = true;
      return true;
    },
    stop: () => clearInterval(timer),
  };
}

function listen(
  socket: WebSocket,
  options: AriOptions,
  request: Request,
  answers: SocketRequests,
): () => void {
  let over = false;
  const lost = (reason: Error) => {
    if (over) return;
    over = true;
    echo.stop();
    socket.terminate();
    answers.lose(reason);
    options.onLost(reason);
  };
  const echo = watch(options.application, request, lost);
  socket.on('message', (data) => {
    let event: unknown;
    try {
      event = JSON.parse(data.toString());
    } catch {
      // Asterisk sends whole JSON texts only; anything else says nothing about a call.
      return;
    }
    if (typeof event !== 'object' || event === null || answers.takes(event)) return;
    echo.isEcho(event);
    // An echo too: it tells what the switch's clock shows.
    options.onEvent(event);
  });
  socket.on('error', lost);
  socket.on('close', (code) => lost(new Error(`ARI event socket closed with ${code}`)));
  return () => {
    over = true;
    echo.stop();
    socket.terminate();
    answers.lose(new Error('the ARI connection was closed'));
  };
}

/** What calls wait for goes over the socket; a list of channels would hold all of that up. */
function createPort(request: Request, ask: SocketRequests['request'], close: () => void): AriPort {
  const done = async (operation: string, { status, body }: AriResponse): Promise<boolean> => {
    if (status >= 200 && status < 300) return true;
    // 404: the channel is gone; 409: it left Stasis; 412: it is on its way out.
    if (status === 404 || status === 409 || status === 412) return false;
    throw new AriError(operation, status, body);
  };
  return {
    async channels() {
      const { status, body } = await request('GET', '/channels');
      if (status !== 200) throw new AriError('channels', status, body);
      return JSON.parse(body) as AriChannel[];
    },
    async continueAt(channel_id, context, extension) {
      const query = new URLSearchParams({ context, extension, priority: '1' });
      const path = `/channels/${encodeURIComponent(channel_id)}/continue?${query}`;
      return done('continue', await ask('POST', path));
    },
    async hangUp(channel_id, q850) {
      const path = `/channels/${encodeURIComponent(channel_id)}?reason_code=${q850}`;
      return done('hangup', await ask('DELETE', path));
    },
    close,
  };
}

/**
 * Connects the application: events arrive from the first one on, filtered by the switch. Rejects when the
 * switch is away or refuses user or password.
 */
export async function connectAri(options: AriOptions): Promise<AriPort> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const request = createRequest(options, agent);
  const socket = await openSocket(options);
  const answers = createSocketRequests(socket, REQUEST_TIMEOUT_ms);
  const stop = listen(socket, options, request, answers);
  const close = () => {
    stop();
    agent.destroy();
  };
  try {
    const allowed = [...options.eventTypes, ECHO_TYPE, RESPONSE_TYPE].map((type) => ({ type }));
    const path = `/applications/${encodeURIComponent(options.application)}/eventFilter`;
    const { status, body } = await request('PUT', path, { allowed });
    if (status !== 200) throw new AriError('eventFilter', status, body);
  } catch (error) {
    close();
    throw error;
  }
  return createPort(request, answers.request, close);
}
