import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Delivery, eventPassage } from '../../../dev/drill/event-stream.ts';
import { createRandom } from '../../../dev/drill/random.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A WebSocket frame of a server with text. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? Buffer.from([0x81, body.length])
      : Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([head, body]);
}

const UPGRADE = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n');
const EVENTS = ['one', 'two'.repeat(60), 'three'].map(frame);

/** What comes out of a connection, in pieces of which no one is a whole frame. */
function carry(delivery: Delivery, data: Buffer): { got: () => Buffer } {
  const got: Buffer[] = [];
  const receive = eventPassage(() => delivery, createRandom(7))((piece) => void got.push(Buffer.from(piece)));
  for (let at = 0; at < data.length; at += 5) receive(data.subarray(at, at + 5));
  return { got: () => Buffer.concat(got) };
}

const stream = Buffer.concat([UPGRADE, ...EVENTS]);

test('in time: every byte as it came', () => {
  expect(carry('IN_TIME', stream).got()).toEqual(stream);
});

test('late: all of them and in order, but not yet', () => {
  const { got } = carry('LATE', stream);
  expect(got()).toEqual(UPGRADE);
  vi.runAllTimers();
  expect(got()).toEqual(stream);
});

test('twice: in time, and each once more', () => {
  const { got } = carry('TWICE', stream);
  expect(got()).toEqual(stream);
  vi.runAllTimers();
  const again = got().subarray(stream.length);
  expect(again).toHaveLength(stream.length - UPGRADE.length);
  for (const event of EVENTS) expect(again.indexOf(event)).toBeGreaterThanOrEqual(0);
});

test('answers to requests are left alone', () => {
  const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]');
  expect(carry('TWICE', Buffer.concat([answer, answer])).got()).toEqual(Buffer.concat([answer, answer]));
});
