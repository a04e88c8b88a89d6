import type { Passage } from '../world/link.ts';
import type { Random } from './random.ts';

/** How events come: in time, each a second time some time later, or all of them late, in order. */
export type Delivery = 'IN_TIME' | 'TWICE' | 'LATE';

/** Less than the time after which a silent switch counts as lost. */
const LATEST_ms = 2_500;
const AGAIN_WITHIN_ms = 4_000;

/** Length of the WebSocket frame that begins here (RFC 6455, 5.2; what a server sends is not masked); null: not told yet. */
function frameLength(bytes: Buffer): number | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 0x7f;
  if (short < 126) return 2 + short;
  if (short === 126) return bytes.length < 4 ? null : 4 + bytes.readUInt16BE(2);
  return bytes.length < 10 ? null : 10 + Number(bytes.readBigUInt64BE(2));
}

const TEXT = 1;
const opcodeOf = (frame: Buffer) => (frame[0] ?? 0) & 0x0f;

/** Cuts a stream into WebSocket frames. Gives what is no whole frame yet. */
function eachFrame(bytes: Buffer, take: (frame: Buffer) => void): Buffer {
  let rest: Buffer = bytes;
  for (let length = frameLength(rest); length !== null && length <= rest.length; length = frameLength(rest)) {
    take(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return rest;
}

/** Delivers frames as it is told at the moment when they come. */
function deliverer(pass: (data: Buffer) => void, delivery: () => Delivery, random: Random) {
  let due_at_ms = 0;
  return (frame: Buffer) => {
    const now_ms = performance.now();
    const wait_ms = delivery() === 'LATE' ? random.between(0, LATEST_ms) : 0;
    // Never before an earlier one: a connection does not change the order of what it carries.
    due_at_ms = Math.max(due_at_ms, now_ms + wait_ms);
    if (due_at_ms <= now_ms) pass(frame);
    else setTimeout(pass, due_at_ms - now_ms, frame);
    if (delivery() !== 'TWICE' || opcodeOf(frame) !== TEXT) return;
    setTimeout(pass, due_at_ms - now_ms + random.between(0, AGAIN_WITHIN_ms), frame);
  };
}

const HEAD_END = '\r\n\r\n';

/** For the link to a switch: plain answers pass as they are, and what becomes of events is decided one by one. */
export function eventPassage(delivery: () => Delivery, random: Random): Passage {
  return (pass) => {
    const deliver = deliverer(pass, delivery, random);
    let kind: 'UNKNOWN' | 'PLAIN' | 'EVENTS' = 'UNKNOWN';
    let rest: Buffer = Buffer.alloc(0);
    return (data) => {
      if (kind === 'PLAIN') return pass(data);
      rest = Buffer.concat([rest, data]);
      if (kind === 'UNKNOWN') {
        const end = rest.indexOf(HEAD_END);
        if (end < 0) return;
        kind = /^HTTP\/1\.1 101 /.test(rest.toString('latin1', 0, end)) ? 'EVENTS' : 'PLAIN';
        const length = kind === 'EVENTS' ? end + HEAD_END.length : rest.length;
        pass(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
      if (kind === 'EVENTS') rest = eachFrame(rest, deliver);
    };
  };
}
