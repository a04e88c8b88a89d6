import { existsSync, readFileSync } from 'node:fs';

/** One SIP message as SIPp logged it. */
export interface SipMessage {
  /** Milliseconds since 1970, by this machine's clock. */
  readonly at_ms: number;
  readonly direction: 'SENT' | 'RECEIVED';
  readonly firstLine: string;
  readonly body: string;
  header(name: string): string | null;
  /** Port of the audio in its SDP. */
  mediaPort(): number | null;
}

/** `2026-11-24 05:28:18.326534`, local time. */
function parseTime(text: string): number {
  const [seconds = '', fraction = '0'] = text.split('.');
  return new Date(seconds.replace(' ', 'T')).getTime() + Number(`0.${fraction}`) * 1000;
}

/** Reads the file of SIPp's `-trace_msg`; empty while there is none. */
export function readSipLog(path: string): SipMessage[] {
  if (!existsSync(path)) return [];
  const blocks = readFileSync(path, 'utf8')
    .split(/^-{10,} /m)
    .slice(1);
  return blocks.flatMap((block) => {
    const [time = '', kind = '', ...rest] = block.split(/\r?\n/);
    const lines = rest.filter((line, index) => index > 0 || line !== '');
    const firstLine = lines[0];
    if (!firstLine) return [];
    const header = (name: string) => {
      const line = lines.find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`));
      return line === undefined ? null : line.slice(name.length + 1).trim();
    };
    const mediaPort = () => {
      const port = lines.map((line) => /^m=audio (\d+)/.exec(line)?.[1]).find((found) => found !== undefined);
      return port === undefined ? null : Number(port);
    };
    const direction = /received/i.test(kind) ? 'RECEIVED' : 'SENT';
    const body = lines
      .slice(lines.indexOf('') + 1)
      .join('\n')
      .trim();
    return [{ at_ms: parseTime(time.trim()), direction, firstLine, body, header, mediaPort }];
  });
}
