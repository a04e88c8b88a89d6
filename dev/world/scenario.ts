/** SIPp scenarios (https://sipp.readthedocs.io) of the phones and the carrier that tests and demo play. */

interface PhoneScenario {
  readonly username: string;
  readonly password: string;
  readonly number: string;
  /** The phone hangs up after this much talk, unless the other side did. */
  readonly talk_ms: number;
  /** Where its audio is taken; nobody takes it when that is not said. */
  readonly media_port?: number | undefined;
}

const REFUSALS = [400, 403, 404, 408, 410, 480, 484, 486, 487, 488, 500, 501, 502, 503, 603];

export const scenario = (name: string, steps: readonly string[]) =>
  `<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="${name}">\n${steps.join('\n')}\n</scenario>\n`;

export const send = (lines: readonly string[], attributes = '') =>
  `<send ${attributes}><![CDATA[\n\n${lines.join('\n')}\n\n]]></send>`;

export const sdp = (media_port: number | '[media_port]' = '[media_port]') => [
  'Content-Type: application/sdp',
  'Content-Length: [len]',
  '',
  'v=0',
  'o=phone 1 1 IN IP[local_ip_type] [local_ip]',
  's=-',
  'c=IN IP[media_ip_type] [media_ip]',
  't=0 0',
  `m=audio ${media_port} RTP/AVP 0`,
  'a=rtpmap:0 PCMU/8000',
];

/** A request of the phone; `to` is the user it is addressed to, itself when it registers. */
export function request(
  method: string,
  target: string,
  user: string,
  cseq: number,
  more: readonly string[],
): string[] {
  const to = method === 'REGISTER' ? user : 'callee';
  const inDialog = method === 'ACK' || method === 'BYE';
  return [
    `${method} ${target} SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    `From: <sip:${user}@[remote_ip]:[remote_port]>;tag=[pid]phone[call_number]`,
    `To: <sip:${to}@[remote_ip]:[remote_port]>${inDialog ? '[peer_tag_param]' : ''}`,
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:${user}@[local_ip]:[local_port]>`,
    'Max-Forwards: 70',
    ...more,
  ];
}

export const noBody = ['Content-Length: 0'];
const credentials = (phone: { username: string; password: string }) =>
  `[authentication username=${phone.username} password=${phone.password}]`;

/** RFC 3261 wants everything but these characters percent-encoded; the switch decodes it. */
export function targetOf(number: string): string {
  return `sip:${encodeURIComponent(number).replaceAll("'", '%27')}@[remote_ip]:[remote_port]`;
}

/** The INVITE, and the INVITE again with the answer to the challenge. Time is taken from the second one. */
export function invitation(
  phone: { username: string; password: string; media_port?: number | undefined },
  target: string,
): string[] {
  const { username } = phone;
  const media = sdp(phone.media_port);
  return [
    send(request('INVITE', target, username, 1, media), 'retrans="500"'),
    '<recv response="100" optional="true"/>',
    '<recv response="401" auth="true"/>',
    send(request('ACK', target, username, 1, noBody)),
    send(
      request('INVITE', target, username, 2, [credentials(phone), ...media]),
      'retrans="500" start_rtd="1"',
    ),
  ];
}

/** Hangs up after a while unless the other side does; goes on at label 3. */
function talkAndHangUp(bye: readonly string[], talk_ms: number): string[] {
  const headers = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`);
  return [
    `<recv request="BYE" timeout="${talk_ms}" ontimeout="1"/>`,
    send(['SIP/2.0 200 OK', ...headers, ...noBody], 'next="3"'),
    '<label id="1"/>',
    send(bye, 'retrans="500"'),
    '<recv response="200" next="3"/>',
  ];
}

/** Dials, talks and hangs up; ends well too when it is refused or the other side hangs up first. */
export function phoneScenario(phone: PhoneScenario): string {
  const { username, number, talk_ms } = phone;
  const target = targetOf(number);
  const refused = REFUSALS.map((status) => `<recv response="${status}" optional="true" next="2"/>`);
  return scenario('phone', [
    ...invitation(phone, target),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true" rtd="1"/>',
    '<recv response="183" optional="true"/>',
    ...refused,
    // A second challenge means that the password is wrong.
    '<recv response="401" optional="true" next="2"/>',
    '<recv response="200" rrs="true"/>',
    send(request('ACK', '[next_url]', username, 2, noBody)),
    ...talkAndHangUp(request('BYE', '[next_url]', username, 3, noBody), talk_ms),
    '<label id="2"/>',
    send(request('ACK', target, username, 2, noBody)),
    '<label id="3"/>',
  ]);
}

/** Dials a number that rings, and cancels after `ring_ms` of ringing. */
export function cancelScenario(phone: {
  username: string;
  password: string;
  number: string;
  ring_ms: number;
}): string {
  const { username, number } = phone;
  const target = targetOf(number);
  // A CANCEL belongs to its INVITE by the same branch (RFC 3261, 9.1).
  const cancel = request('CANCEL', target, username, 2, noBody).map((line) =>
    line.replace('[branch]', '[branch-4]'),
  );
  return scenario('cancel', [
    ...invitation(phone, target),
    '<recv response="100" optional="true"/>',
    '<recv response="180" rtd="1"/>',
    `<pause milliseconds="${phone.ring_ms}"/>`,
    send(cancel),
    '<recv response="200"/>',
    '<recv response="487"/>',
    send(request('ACK', target, username, 2, noBody)),
  ]);
}

/** Somebody outside calls in over a trunk. */
export interface OutsideCall {
  readonly number: string;
  /** The From header without its tag, as any stranger may write it. */
  readonly from: string;
  /** More headers of the INVITE. */
  readonly headers?: readonly string[];
  readonly talk_ms: number;
}

/** Calls in without a password, talks and hangs up. CSeq as that of a phone after its challenge. */
export function outsideScenario({ number, from, headers = [], talk_ms }: OutsideCall): string {
  const target = targetOf(number);
  const say = (method: string, uri: string, cseq: number, more: readonly string[]) =>
    request(method, uri, 'outside', cseq, more).map((line) =>
      line.startsWith('From: ') ? `From: ${from};tag=[pid]outside[call_number]` : line,
    );
  const refused = REFUSALS.map((status) => `<recv response="${status}" optional="true" next="2"/>`);
  return scenario('outside', [
    send(say('INVITE', target, 2, [...headers, ...sdp()]), 'retrans="500"'),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="183" optional="true"/>',
    ...refused,
    '<recv response="200" rrs="true"/>',
    send(say('ACK', '[next_url]', 2, noBody)),
    ...talkAndHangUp(say('BYE', '[next_url]', 3, noBody), talk_ms),
    '<label id="2"/>',
    send(say('ACK', target, 2, noBody)),
    '<label id="3"/>',
  ]);
}

/** Registers once and keeps the contact for an hour. */
export function registerScenario(phone: { username: string; password: string }): string {
  const target = 'sip:[remote_ip]:[remote_port]';
  const expires = ['Expires: 3600', ...noBody];
  return scenario('register', [
    send(request('REGISTER', target, phone.username, 1, expires), 'retrans="500"'),
    '<recv response="401" auth="true"/>',
    send(request('REGISTER', target, phone.username, 2, [credentials(phone), ...expires]), 'retrans="500"'),
    '<recv response="200"/>',
  ]);
}

/** What a called number does at the carrier is in its last two digits; any other one answers and talks on. */
export const CARRIER_NUMBERS = { hangsUpAfterTwoSeconds: '99', busy: '00', neverAnswers: '11' } as const;

const REPLY = [
  '[last_Via:]',
  '[last_From:]',
  '[last_To:];tag=[pid]carrier[call_number]',
  '[last_Call-ID:]',
  '[last_CSeq:]',
];
export const reply = (status: string, more: readonly string[], attributes = '') =>
  send([`SIP/2.0 ${status}`, ...REPLY, 'Contact: <sip:[local_ip]:[local_port]>', ...more], attributes);

const endsWith = (digits: string, variable: number, label: number) => [
  '<nop>',
  `<action><strcmp assign_to="${variable}" variable="1" value="${digits}"/>`,
  `<test assign_to="${variable + 10}" variable="${variable}" compare="equal" value="0"/></action>`,
  '</nop>',
  `<nop next="${label}" test="${variable + 10}"/>`,
];

/** A phone that is busy. */
export function busyScenario(): string {
  return scenario('busy', [
    '<recv request="INVITE"/>',
    reply('486 Busy Here', noBody),
    '<recv request="ACK"/>',
  ]);
}

/** A carrier that rings for `ring_ms` and answers; `media_port` takes its audio. */
export function carrierScenario(ring_ms: number, media_port?: number): string {
  return scenario('carrier', [
    '<recv request="INVITE" rrs="true"><action>',
    '<ereg regexp="^INVITE sip:[0-9+]*([0-9][0-9])@" search_in="msg" assign_to="5,1"/>',
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="6"/>',
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="7"/>',
    '</action></recv>',
    '<Reference variables="5"/>',
    ...endsWith(CARRIER_NUMBERS.busy, 2, 2),
    reply('180 Ringing', noBody),
    ...endsWith(CARRIER_NUMBERS.neverAnswers, 3, 3),
    `<pause milliseconds="${ring_ms}"/>`,
    reply('200 OK', sdp(media_port), 'retrans="500"'),
    '<recv request="ACK"/>',
    ...endsWith(CARRIER_NUMBERS.hangsUpAfterTwoSeconds, 4, 1),
    '<recv request="BYE"/>',
    reply('200 OK', noBody, 'next="9"'),
    '<label id="1"/>',
    '<recv request="BYE" timeout="2000" ontimeout="4"/>',
    reply('200 OK', noBody, 'next="9"'),
    '<label id="4"/>',
    send(
      [
        'BYE [next_url] SIP/2.0',
        'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
        'From: [$6];tag=[pid]carrier[call_number]',
        'To: [$7]',
        '[last_Call-ID:]',
        'CSeq: 1 BYE',
        'Max-Forwards: 70',
        ...noBody,
      ],
      'retrans="500"',
    ),
    '<recv response="200" next="9"/>',
    '<label id="3"/>',
    '<recv request="CANCEL"/>',
    reply('200 OK', noBody),
    reply('487 Request Terminated', noBody, 'next="9"'),
    '<label id="2"/>',
    reply('486 Busy Here', noBody),
    '<recv request="ACK"/>',
    '<label id="9"/>',
  ]);
}
