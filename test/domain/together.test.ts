import { expect, test } from 'vitest';
import { type FreeMeans, fundedTogether, type TalkingCall } from '../../src/domain/together.ts';
import { BY_TENTHS, BY_THE_SECOND } from '../stores/postgres/use-tenants.ts';

const talking = (paid_seconds: number, talked_ms: number, rate = BY_THE_SECOND): TalkingCall => ({
  rate,
  wholesale: null,
  grant: { bundle_seconds: 0, paid_seconds },
  talked_ms,
  minutes: null,
  minutes_after_turn: null,
});

const free = (money: bigint): FreeMeans => ({ money, minutes: new Map(), reseller: 0n });

test.each([
  ['nothing is free, in mid-grant', [talking(3, 1_500)], 0n, [3]],
  ['nothing is free, and the cut comes late', [talking(3, 3_040)], 0n, [3]],
  ['one is cut late while another holds more', [talking(3, 3_040), talking(5, 3_000)], 0n, [3, 5]],
  ['one second is free, and the slice comes late', [talking(3, 3_040)], 1_000n, [4]],
  ['two share what is free', [talking(3, 2_500), talking(3, 2_500)], 2_000n, [4, 4]],
  ['less than a block is free', [talking(30, 29_000, BY_TENTHS)], 9_000n, [30]],
])('%s', (_, calls, money, funded) => {
  expect(fundedTogether(calls, [], free(money))).toEqual(funded);
});
