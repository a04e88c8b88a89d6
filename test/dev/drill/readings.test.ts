import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCarrierLog } from '../../../dev/drill/carrier-log.ts';
import { createDecisionCount } from '../../../dev/drill/decisions.ts';
import { createDriftCount } from '../../../dev/drill/drift-watch.ts';

const BOUNDS = ['0.001', '0.005', '+Inf'];
const metrics = (...counts: number[]) =>
  counts.map((count, index) => `pabx_decision_seconds_bucket{le="${BOUNDS[index]}"} ${count}`).join('\n');

test('decisions of processes that followed one another are added up', () => {
  const count = createDecisionCount();
  expect(count.total().percentile_seconds(50)).toBeNull();
  for (const text of [metrics(2, 2, 2), metrics(40, 50, 50), metrics(10, 10, 10), metrics(40, 50, 50)])
    count.take(text);
  const total = count.total();
  expect(total.count).toBe(100);
  expect(total.percentile_seconds(50)).toBeCloseTo(0.001 * (50 / 80), 9);
  expect(total.percentile_seconds(90)).toBeCloseTo(0.001 + 0.004 * (10 / 20), 9);
});

test('a decision beyond the last bound is told as that bound', () => {
  const count = createDecisionCount();
  count.take(metrics(0, 1, 2));
  expect(count.total().percentile_seconds(99)).toBe(0.005);
});

test('a call that differs now and then is no drift, one that differs for more than half a minute is', () => {
  const count = createDriftCount();
  for (let at = 0; at <= 31; at++) count.take(at, at % 10 === 0 ? ['lasting'] : ['lasting', 'passing']);
  expect(count.tooLong()).toEqual([{ call_id: 'lasting', seconds: 31 }]);
});

/** Seconds, direction, call id, CSeq and first line, as SIPp writes them. */
const line = (at: number, ...rest: string[]) => ['2026-11-24', '05:28:18', String(at), ...rest].join('\t');
const INVITE = (id: string, number: string) =>
  line(1, 'R', id, 'CSeq:7 INVITE', `INVITE sip:${number}@127.0.0.1 SIP/2.0`);

test('the carrier tells when a call was answered and when it ended', () => {
  const dir = mkdtempSync(join(tmpdir(), 'carrier-log-'));
  const path = join(dir, 'log');
  const lines = [
    INVITE('a', '5511960000142'),
    line(2, 'S', 'a', 'CSeq:7 INVITE', 'SIP/2.0 200 OK'),
    line(2.5, 'R', 'a', 'CSeq:7 ACK', 'ACK sip:127.0.0.1 SIP/2.0'),
    line(2.6, 'R', 'a', 'CSeq:7 ACK', 'ACK sip:127.0.0.1 SIP/2.0'),
    line(9, 'R', 'a', 'CSeq:8 BYE', 'BYE sip:127.0.0.1 SIP/2.0'),
    INVITE('b', '11960000200'),
    line(2, 'S', 'b', 'CSeq:7 INVITE', 'SIP/2.0 486 Busy Here'),
    line(2.1, 'R', 'b', 'CSeq:7 ACK', 'ACK sip:127.0.0.1 SIP/2.0'),
    INVITE('c', '+5511960000399'),
    line(3, 'R', 'c', 'CSeq:7 ACK', 'ACK sip:127.0.0.1 SIP/2.0'),
  ];
  writeFileSync(path, lines.join('\n'));
  try {
    expect(readCarrierLog(path)).toEqual([
      { number: '11960000142', answered_at_ms: 2_500, ended_at_ms: 9_000 },
      { number: '11960000200', answered_at_ms: null, ended_at_ms: null },
      { number: '11960000399', answered_at_ms: 3_000, ended_at_ms: null },
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
