import { expect, test } from 'vitest';
import type { CarrierCall } from '../../../dev/drill/carrier-log.ts';
import type { Evidence, RecordedCall } from '../../../dev/drill/evidence.ts';
import { judge, passed } from '../../../dev/drill/verdict.ts';

const NUMBER = '11960000042';

const SEEN: CarrierCall = { number: NUMBER, answered_at_ms: 1_000, ended_at_ms: 5_000 };

const RECORD: RecordedCall = {
  id: 'srv1-1.1',
  number: `+55${NUMBER}`,
  talk_ms: 4_020,
  billed_seconds: 5,
  granted_seconds: 6,
  total_micros: 5_000n,
  price_micros_per_minute: 60_000n,
  end_reason: 'HANGUP',
};

const WELL: Evidence = {
  carrier: [SEEN],
  switchEnds_ms: [],
  records: [RECORD],
  charges: [{ call_id: RECORD.id, movements: 1, parts: 1 }],
  lowest: [{ name: 'POOR', lowest_micros: 0n, credit_limit_micros: 0n }],
  held: new Map(),
  drift: { leases: 0, running: 0, differing: [] },
  drifted: [],
  ledger: [],
  refused: 0,
};

const amounts = (evidence: Evidence) =>
  Object.fromEntries(Object.entries(judge(evidence)).map(([name, fault]) => [name, Number(fault.amount)]));

test('what agrees passes', () => {
  expect(amounts(WELL)).toEqual({ drift: 0, lost: 0, doubled: 0, overspent: 0, ledger: 0 });
  expect(passed(judge(WELL))).toBe(true);
});

test.each<[string, Partial<Evidence>, string, number]>([
  ['an answered call without a record', { records: [] }, 'lost', 1],
  ['less talk than there was', { records: [{ ...RECORD, talk_ms: 1_500 }] }, 'lost', 1],
  ['more talk than there was', { records: [{ ...RECORD, talk_ms: 9_000 }] }, 'lost', 1],
  [
    'less talk than there was, long before the switch was killed',
    { records: [{ ...RECORD, talk_ms: 0, end_reason: 'LOST' }], switchEnds_ms: [9_000] },
    'lost',
    1,
  ],
  ['two records of one call', { records: [RECORD, { ...RECORD, id: 'srv1-1.2' }] }, 'doubled', 1],
  ['two movements for one part', { charges: [{ call_id: RECORD.id, movements: 2, parts: 1 }] }, 'doubled', 1],
  [
    'a balance below its limit',
    { lowest: [{ name: 'POOR', lowest_micros: -700n, credit_limit_micros: 500n }] },
    'overspent',
    200,
  ],
  [
    'a second billed that was not granted',
    { records: [{ ...RECORD, granted_seconds: 4 }] },
    'overspent',
    1_000,
  ],
  ['a lease of no call', { drift: { leases: 1, running: 0, differing: ['x'] } }, 'drift', 1],
  ['a call that one side alone knew for long', { drifted: [{ call_id: 'x', seconds: 40 }] }, 'drift', 1],
  ['money that is held for nobody', { held: new Map([['pabx:wallet:1 held', '5']]) }, 'drift', 1],
  [
    'a ledger that does not agree',
    { ledger: [{ what: 'a movement does not sum to zero', id: '7' }] },
    'ledger',
    1,
  ],
])('%s does not', (_, change, figure, amount) => {
  const evidence = { ...WELL, ...change };
  expect(amounts(evidence)).toMatchObject({ [figure]: amount });
  expect(passed(judge(evidence))).toBe(false);
  expect(judge(evidence)[figure as keyof ReturnType<typeof judge>].named).toHaveLength(1);
});

test.each<[string, Evidence]>([
  ['a call that nobody answered', { ...WELL, carrier: [{ ...SEEN, answered_at_ms: null }], records: [] }],
  [
    'a call whose switch was killed',
    {
      ...WELL,
      carrier: [{ ...SEEN, ended_at_ms: null }],
      records: [{ ...RECORD, talk_ms: 1_000, end_reason: 'LOST' }],
    },
  ],
  [
    'a call that ended in the last moment of its switch',
    { ...WELL, records: [{ ...RECORD, talk_ms: 0, end_reason: 'LOST' }], switchEnds_ms: [5_900] },
  ],
])('%s passes', (_, evidence) => {
  expect(passed(judge(evidence))).toBe(true);
});
