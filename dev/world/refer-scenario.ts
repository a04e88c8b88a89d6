import type { PhoneAccount } from './phone.ts';
import type { OutsideCall } from './scenario.ts';
import { invitation, noBody, reply, request, scenario, sdp, send, targetOf } from './scenario.ts';

/** A transfer as a phone asks for it (RFC 3515). */
export interface Refer {
  /** User part of where the other party is to go, with the URI's headers if there are any. */
  readonly to: string;
  /** Talk before it. */
  readonly after_ms: number;
  /** Silence of the switch after which the phone hangs up: the transfer went through, or failed. */
  readonly stay_ms?: number;
}

const STAY_ms = 1_000;
const ECHOED = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`);
const accept = (next: number) => send(['SIP/2.0 200 OK', ...ECHOED, ...noBody], `next="${next}"`);

/** Whatever the switch answers, the phone goes on: NOTIFYs are accepted until a BYE comes, or it sends its own. */
function referAndLeave(refer: readonly string[], bye: readonly string[], stay_ms: number): string[] {
  return [
    send(refer, 'retrans="500"'),
    ...[202, 400, 403, 404, 603].map((status) => `<recv response="${status}" optional="true" next="4"/>`),
    '<recv response="500"/>',
    '<label id="4"/>',
    `<recv request="NOTIFY" optional="true" timeout="${stay_ms}" ontimeout="6" next="5"/>`,
    '<recv request="BYE"/>',
    accept(7),
    '<label id="5"/>',
    accept(4),
    '<label id="6"/>',
    send(bye, 'retrans="500"'),
    '<recv response="200"/>',
    '<label id="7"/>',
  ];
}

function referTo({ to }: Refer): string {
  const [user, headers] = to.split('?');
  const more = headers === undefined ? '' : `?${headers}`;
  return `Refer-To: <sip:${user}@[remote_ip]:[remote_port]${more}>`;
}

/** Dials, talks and transfers whom it called. */
export function callAndReferScenario(phone: PhoneAccount & { number: string }, refer: Refer): string {
  const { username, number } = phone;
  const inDialog = (method: string, cseq: number, more: readonly string[]) =>
    request(method, '[next_url]', username, cseq, more).map((line) =>
      line.startsWith('To: ') && method === 'REFER' ? `${line}[peer_tag_param]` : line,
    );
  return scenario('call and refer', [
    ...invitation(phone, targetOf(number)),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true" rtd="1"/>',
    '<recv response="183" optional="true"/>',
    '<recv response="200" rrs="true"/>',
    send(inDialog('ACK', 2, noBody)),
    `<pause milliseconds="${refer.after_ms}"/>`,
    ...referAndLeave(
      inDialog('REFER', 3, [referTo(refer), ...noBody]),
      inDialog('BYE', 4, noBody),
      refer.stay_ms ?? STAY_ms,
    ),
  ]);
}

/** Somebody outside calls in over a trunk, and sends on whom it reached. */
export function outsideReferScenario({ number, from }: OutsideCall, refer: Refer): string {
  const target = targetOf(number);
  const say = (method: string, uri: string, cseq: number, more: readonly string[]) =>
    request(method, uri, 'outside', cseq, more).map((line) => {
      if (line.startsWith('From: ')) return `From: ${from};tag=[pid]outside[call_number]`;
      return line.startsWith('To: ') && method === 'REFER' ? `${line}[peer_tag_param]` : line;
    });
  return scenario('outside refer', [
    send(say('INVITE', target, 2, sdp()), 'retrans="500"'),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="200" rrs="true"/>',
    send(say('ACK', '[next_url]', 2, noBody)),
    `<pause milliseconds="${refer.after_ms}"/>`,
    ...referAndLeave(
      say('REFER', '[next_url]', 3, [referTo(refer), ...noBody]),
      say('BYE', '[next_url]', 4, noBody),
      refer.stay_ms ?? STAY_ms,
    ),
  ]);
}

/** Rings, answers, and transfers whoever called. */
export function answerAndReferScenario(ring_ms: number, refer: Refer): string {
  const say = (method: string, cseq: number, more: readonly string[]) => [
    `${method} [next_url] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: [$6];tag=[pid]carrier[call_number]',
    'To: [$7]',
    '[last_Call-ID:]',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:[local_ip]:[local_port]>',
    'Max-Forwards: 70',
    ...more,
  ];
  return scenario('answer and refer', [
    '<recv request="INVITE" rrs="true"><action>',
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="6"/>',
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="7"/>',
    '</action></recv>',
    reply('180 Ringing', noBody),
    `<pause milliseconds="${ring_ms}"/>`,
    reply('200 OK', sdp(), 'retrans="500"'),
    '<recv request="ACK"/>',
    `<pause milliseconds="${refer.after_ms}"/>`,
    ...referAndLeave(
      say('REFER', 1, [referTo(refer), ...noBody]),
      say('BYE', 2, noBody),
      refer.stay_ms ?? STAY_ms,
    ),
  ]);
}
