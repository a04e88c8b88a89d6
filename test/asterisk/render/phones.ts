import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../dev/services/ports.ts';
import { waitUntil } from '../../../dev/services/process.ts';
import { type RunningSipp, startSipp } from '../../../dev/services/sipp.ts';
import { receive, receiveStatus, SDP, sendRequest, sendResponse } from './sipp-messages.ts';

/** Where scenarios and logs go, and the SIP port of the Asterisk under test. */
export interface PhoneShop {
  readonly dir: string;
  readonly asteriskPort: number;
}

export interface Phone {
  readonly user: string;
  readonly password: string;
}

export interface PlacedCall {
  readonly sipp: RunningSipp;
  /** Every message, both ways. */
  messages(): string;
  /** Waits for the end of the call and gives the final status code; 0 when there was none. */
  final(): Promise<number>;
}

let made = 0;
const nextName = (kind: string) => `${kind}-${++made}`;
const remote = '[remote_ip]:[remote_port]';
const local = '[local_ip]:[local_port]';

/** Calls `dialled`; after the answer hangs up by itself after `hangUpAfter_ms`, or waits for the other side. */
export async function placeCall(
  shop: PhoneShop,
  phone: Phone,
  dialled: string,
  options: { hangUpAfter_ms?: number; displayName?: string } = {},
): Promise<PlacedCall> {
  const from = `${options.displayName ?? ''}<sip:${phone.user}@${local}>;tag=[pid]SIPp[call_number]`;
  const to = `<sip:callee@${remote}>[peer_tag_param]`;
  const invite = (sequence: number, authentication: readonly string[]) =>
    sendRequest({
      method: 'INVITE',
      uri: `sip:[dialled]@${remote}`,
      from,
      to: `<sip:callee@${remote}>`,
      sequence,
      headers: [`Contact: <sip:${phone.user}@${local}>`, ...authentication],
      body: SDP,
    });
  const next = (method: string, sequence: number) =>
    sendRequest({ method, uri: '[next_url]', from, to, sequence });
  const end =
    options.hangUpAfter_ms === undefined
      ? [receive('BYE'), sendResponse('200 OK')]
      : [`<pause milliseconds="${options.hangUpAfter_ms}"/>`, next('BYE', 3), receiveStatus(200)];
  const steps = [
    invite(1, []),
    receiveStatus(401, 'auth="true"'),
    sendRequest({ method: 'ACK', uri: `sip:[dialled]@${remote}`, from, to, sequence: 1 }),
    invite(2, [authentication(phone)]),
    ...[100, 180, 183].map((code) => receiveStatus(code, 'optional="true"')),
    receiveStatus(200, 'rrs="true"'),
    next('ACK', 2),
    ...end,
  ];
  const sipp = await start(shop, nextName('caller'), steps, await freePort(), [
    '-key',
    'dialled',
    dialled,
    '-m',
    '1',
  ]);
  const messages = () => (existsSync(sipp.files.messages) ? readFileSync(sipp.files.messages, 'latin1') : '');
  return { sipp, messages, final: () => finalStatus(sipp, messages) };
}

/** Registers a phone that is then reached at `contactPort`: before anybody answers there, for it sends from it. */
export async function register(shop: PhoneShop, phone: Phone, contactPort: number): Promise<void> {
  const address = `<sip:${phone.user}@[remote_ip]>`;
  const request = (sequence: number, authentication: readonly string[]) =>
    sendRequest({
      method: 'REGISTER',
      uri: 'sip:[remote_ip]',
      from: `${address};tag=[pid]SIPp[call_number]`,
      to: address,
      sequence,
      headers: [`Contact: <sip:${phone.user}@127.0.0.1:${contactPort}>`, 'Expires: 3600', ...authentication],
    });
  const steps = [
    request(1, []),
    receiveStatus(401, 'auth="true"'),
    request(2, [authentication(phone)]),
    receiveStatus(200),
  ];
  const sipp = await start(shop, nextName('register'), steps, contactPort, ['-m', '1']);
  const { code } = await sipp.exited;
  if (code !== 0) throw new Error(`${phone.user} could not register: ${sipp.errors()}`);
}

/** What a carrier or a phone does with a call. By default it answers, and the caller hangs up. */
export interface Callee {
  readonly hangUpAfter_ms?: number;
  /** A whole status line's rest: `486 Busy Here`. */
  readonly refuseWith?: string;
  readonly contact?: string;
  readonly neverAnswer?: boolean;
}

/** Answers calls at `port` until it is stopped. */
export async function answerCalls(shop: PhoneShop, port: number, callee: Callee): Promise<RunningSipp> {
  const tag = ';tag=[pid]SIPpTag[call_number]';
  const contact = `Contact: <${callee.contact ?? `sip:${local}`}>`;
  // The tag goes behind the To line that the response repeats: SIPp appends what follows on the same line.
  const reply = (status: string, body = '') =>
    sendResponse(status, [contact], body).replace('[last_To:]', `[last_To:]${tag}`);
  const invited = `<recv request="INVITE" rrs="true"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/></action></recv>`;
  const answered = [reply('180 Ringing'), reply('200 OK', SDP), receive('ACK')];
  const bye = sendRequest({
    method: 'BYE',
    uri: '[next_url]',
    from: `<sip:callee@${local}>${tag}`,
    to: '[$1]',
    sequence: 1,
  });
  const steps =
    callee.refuseWith !== undefined
      ? [reply(callee.refuseWith), receive('ACK')]
      : callee.neverAnswer
        ? [reply('180 Ringing'), receive('CANCEL'), sendResponse('200 OK')]
        : callee.hangUpAfter_ms !== undefined
          ? [...answered, `<pause milliseconds="${callee.hangUpAfter_ms}"/>`, bye, receiveStatus(200)]
          : [...answered, receive('BYE'), sendResponse('200 OK')];
  return start(shop, nextName('callee'), [invited, ...steps, '<Reference variables="1"/>'], port, []);
}

async function finalStatus(sipp: RunningSipp, messages: () => string): Promise<number> {
  const final = () =>
    messages()
      .split(/^-{10,}/m)
      .filter((message) => / received \[/.test(message) && /^CSeq: 2 INVITE/m.test(message))
      .map((message) => Number(/^SIP\/2\.0 (\d+)/m.exec(message)?.[1]))
      .find((code) => code >= 200);
  // A second 401 SIPp does not take for the end.
  await waitUntil(() => !sipp.running() || final() === 401, {
    timeout_ms: 40_000,
    what: 'the end of the call',
  });
  await sipp.stop({ timeout_ms: 10 });
  return final() ?? 0;
}

function authentication({ user, password }: Phone): string {
  return `[authentication username=${user} password=${password}]`;
}

async function start(
  shop: PhoneShop,
  name: string,
  steps: readonly string[],
  port: number,
  args: readonly string[],
): Promise<RunningSipp> {
  const file = join(shop.dir, `${name}.xml`);
  const scenario = `<scenario name="${name}">\n${steps.join('\n')}\n</scenario>`;
  writeFileSync(file, `<?xml version="1.0" encoding="UTF-8"?>\n${scenario}\n`);
  const to = `127.0.0.1:${shop.asteriskPort}`;
  const all = ['-i', '127.0.0.1', '-p', String(port), ...args, to];
  return startSipp({ name, scenario: { file }, args: all, dir: shop.dir, traceMessages: true });
}
