import http from 'node:http';
import WebSocket from 'ws';
import { parseTimestamp } from './events.ts';
import { type AriChannel, AriError, type AriOptions, type AriPort, type Tone } from './port.ts';
import {
  type AriResponse,
  createSocketRequests,
  RESPONSE_TYPE,
  type SocketRequests,
} from './socket-requests.ts';
import { createStarts, newToneChannel, type Starts } from './whisper.ts';

const REQUEST_TIMEOUT_ms = 3_000;
const ECHO_EVERY_ms = 3_000;
const ECHO_PATIENCE_ms = 1_000;
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

interface Watch {
  /** Whether this event is an echo. */
  isEcho(event: unknown): boolean;
  /** Whether an echo that is asked for now comes at once. */
  ask(): Promise<boolean>;
  stop(): void;
}

/**
 * Asks the switch for an event of our own again and again. When it does not come, the socket is dead, or another
 * client has taken over the application: Asterisk then leaves our socket open, and silent for ever.
 */
function watch(application: string, request: Request, lost: (reason: Error) => void): Watch {
  let heard = true;
  let asked = 0;
  const answers = new Map<string, (heard: boolean) => void>();
  const call = (name: string) =>
    request('POST', `/events/user/${name}?application=${encodeURIComponent(application)}`);
  const timer = setInterval(() => {
    if (!heard)
      return lost(new Error('ARI sends no events any more; does another client use the application?'));
    heard = false;
    call(ECHO).catch(lost);
  }, ECHO_EVERY_ms);
  return {
    isEcho(event) {
      const { type, eventname } = event as { type?: unknown; eventname?: unknown };
      if (type !== ECHO_TYPE || typeof eventname !== 'string' || !eventname.startsWith(ECHO)) return false;
      heard = true;
      answers.get(eventname)?.(true);
      return true;
    },
    ask() {
      asked += 1;
      // A name of its own: an older echo may still wait in the socket of a process that was paused.
      const name = `${ECHO}-${asked}`;
      const heardIt = new Promise<boolean>((resolve) => {
        answers.set(name, resolve);
        setTimeout(resolve, ECHO_PATIENCE_ms, false).unref();
        call(name).catch(() => resolve(false));
      });
      return heardIt.finally(() => answers.delete(name));
    },
    stop: () => clearInterval(timer),
  };
}

function listen(
  socket: WebSocket,
  options: AriOptions,
  request: Request,
  takes: (event: object) => boolean,
  gone: (reason: Error) => void,
): Watch {
  let over = false;
  const lost = (reason: Error) => {
    if (over) return;
    over = true;
    echo.stop();
    socket.terminate();
    gone(reason);
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
    if (typeof event !== 'object' || event === null || takes(event)) return;
    echo.isEcho(event);
    // An echo too: it tells what the switch's clock shows.
    options.onEvent(event);
  });
  socket.on('error', lost);
  socket.on('close', (code) => lost(new Error(`ARI event socket closed with ${code}`)));
  return {
    ...echo,
    stop() {
      over = true;
      echo.stop();
      socket.terminate();
      gone(new Error('the ARI connection was closed'));
    },
  };
}

function done(operation: string, { status, body }: AriResponse): boolean {
  if (status >= 200 && status < 300) return true;
  // 404: the channel is gone; 409: it left Stasis; 412: it is on its way out.
  if (status === 404 || status === 409 || status === 412) return false;
  throw new AriError(operation, status, body);
}

/** A snoop channel speaks into what its party hears. It ends with its tone, or with the call. */
function whisperer(application: string, ask: SocketRequests['request'], starts: Starts): AriPort['whisper'] {
  const post = async (path: string, parameters: Record<string, string>) =>
    done(path, await ask('POST', `/channels/${path}?${new URLSearchParams(parameters)}`));

  async function play(tone_id: string, { cadence, seconds }: Tone): Promise<boolean> {
    // Before the tone: it must not stay, whatever becomes of us.
    const limit = { variable: 'TIMEOUT(absolute)', value: seconds.toFixed(3) };
    return (
      (await post(`${tone_id}/variable`, limit)) &&
      (await post(`${tone_id}/play`, { media: `tone:${cadence}` }))
    );
  }

  return async (channel_id, tone) => {
    const tone_id = newToneChannel();
    const began = starts.of(tone_id);
    try {
      const snoop = `${encodeURIComponent(channel_id)}/snoop/${tone_id}`;
      if (!(await post(snoop, { app: application, whisper: 'out' }))) return false;
      if ((await began) && (await play(tone_id, tone))) return true;
      await ask('DELETE', `/channels/${tone_id}`);
      return false;
    } finally {
      starts.forget(tone_id);
    }
  };
}

/** What calls wait for goes over the socket; a list of channels would hold all of that up. */
function createPort(
  request: Request,
  ask: SocketRequests['request'],
  rest: Pick<AriPort, 'whisper' | 'isListening' | 'close'>,
): AriPort {
  return {
    async channels() {
      const { status, body } = await request('GET', '/channels');
      if (status !== 200) throw new AriError('channels', status, body);
      return JSON.parse(body) as AriChannel[];
    },
    async startedAt() {
      const { status, body } = await request('GET', '/asterisk/info?only=status');
      if (status !== 200) throw new AriError('info', status, body);
      const info = JSON.parse(body) as { readonly status: { readonly startup_time: string } };
      return parseTimestamp(info.status.startup_time);
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
    ...rest,
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
  const starts = createStarts();
  const answers = createSocketRequests(socket, REQUEST_TIMEOUT_ms);
  const gone = (reason: Error) => {
    answers.lose(reason);
    starts.close();
  };
  const takes = (event: object) => answers.takes(event) || starts.hear(event);
  const { ask, stop } = listen(socket, options, request, takes, gone);
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
  const whisper = whisperer(options.application, answers.request, starts);
  return createPort(request, answers.request, { whisper, isListening: ask, close });
}
