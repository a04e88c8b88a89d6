/*
 * SIP messages as SIPp's scenarios have them. What is in square brackets SIPp fills in.
 */

export const SDP = `v=0
o=u 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
`;

export interface SipRequest {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  /** More header lines. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** Sends a request, again and again until it is answered; but an ACK never is. */
export function sendRequest(request: SipRequest): string {
  const { method, uri, from, to, sequence, headers = [], body = '' } = request;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    `From: ${from}`,
    `To: ${to}`,
    'Call-ID: [call_id]',
    `CSeq: ${sequence} ${method}`,
    'Max-Forwards: 70',
    ...headers,
  ];
  return `<send${method === 'ACK' ? '' : ' retrans="500"'}>${cdata(lines, body)}</send>`;
}

/** Answers the last request. */
export function sendResponse(status: string, headers: readonly string[] = [], body = ''): string {
  const repeated = ['[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]', '[last_CSeq:]'];
  return `<send>${cdata([`SIP/2.0 ${status}`, ...repeated, ...headers], body)}</send>`;
}

export function receive(request: string, attributes = ''): string {
  return `<recv request="${request}" ${attributes}/>`;
}

export function receiveStatus(status: number, attributes = ''): string {
  return `<recv response="${status}" ${attributes}/>`;
}

function cdata(lines: readonly string[], body: string): string {
  const content =
    body === '' ? ['Content-Length: 0'] : ['Content-Type: application/sdp', 'Content-Length: [len]'];
  return `<![CDATA[\n${[...lines, ...content].join('\n')}\n\n${body}]]>`;
}
