import { describe, expect, test } from 'vitest';
import { parseBegun, parseJournal } from '../../src/asterisk/journal.ts';
import { lastSign } from '../../src/calls/second-source.ts';

const GRANT = 'T-carrier-+5511987654321-30-60-';
const call = (exten = GRANT) => ({
  call_id: 'srv1-1.1',
  sip_username: 'phone1',
  exten,
  answered_at_ms: 1_000,
});

describe('the last sign of life of a call whose switch died', () => {
  test.each([
    ['its answer, when nothing else is known', [], 50_000, 1_000],
    ['the latest record of the same run', [4_000, 9_000, 8_000], 50_000, 9_000],
    ['nothing of the run after it', [4_000, 60_000], 50_000, 4_000],
    ['nothing from before its answer', [500], 50_000, 1_000],
    ['the answer, when the switch was not started since', [4_000], 900, 1_000],
    ['no more than it was allowed to talk', [49_000], 50_000, 31_000],
  ])('%s', (_, signs, started_at_ms, seen_at_ms) => {
    expect(lastSign(call(), started_at_ms, signs)).toBe(seen_at_ms);
  });

  test('an emergency call is bound by no grant', () => {
    expect(lastSign(call('E-carrier-190'), 5_000_000, [4_000_000])).toBe(4_000_000);
  });
});

describe('rows of the switch', () => {
  test.each([
    [
      'a begun call',
      `v1|phone1|${GRANT}|1795544835000`,
      { sip_username: 'phone1', answered_at_ms: 1_795_544_835_000 },
    ],
    ['another make', `v2|phone1|${GRANT}|1795544835000`, null],
    ['no answer', `v1|phone1|${GRANT}|`, null],
    ['no line', `v1||${GRANT}|1795544835000`, null],
    ['half a row', 'v1|phone1', null],
    ['nothing', '', null],
  ])('%s', (_, value, expected) => {
    const begun = parseBegun({ call_id: 'srv1-1.1', value });
    if (expected) expect(begun).toMatchObject({ call_id: 'srv1-1.1', exten: GRANT, ...expected });
    else expect(begun).toBeNull();
  });

  test.each([
    [
      'a refusal',
      'v1|X|phone1|0011|0|1795544835000|BUDGET',
      { kind: 'REFUSED', dialled: '0011', why: 'BUDGET' },
    ],
    ['a refusal for no known reason', 'v1|X|phone1|0011|0|1795544835000|MOON', null],
    [
      'a call that nobody answered',
      `v1|O|phone1|${GRANT}|0|1795544835000|16`,
      { kind: 'OFFLINE', talk_ms: 0 },
    ],
    [
      'talk with a leading 0',
      `v1|G|phone1|${GRANT}|01500|1795544835000|16`,
      { kind: 'GRANTED', talk_ms: 1_500 },
    ],
  ])('%s', (_, value, expected) => {
    const row = parseJournal({ bucket: '17955448', call_id: 'srv1-1.1', value });
    if (expected) expect(row).toMatchObject(expected);
    else expect(row).toBeNull();
  });
});
