import { describe, expect, test } from 'vitest';
import { compareSights, createDriftKeeper, type Drift, NO_DRIFT, type Sight } from '../../src/calls/drift.ts';

const NONE: Drift = { NOT_ON_SWITCH: [], NOT_KNOWN: [], ONLY_IN_REDIS: [], NOT_IN_REDIS: [] };

const call = (call_id: string, registered = true) => ({ call_id, registered });

/** Call `a` runs and everybody knows it, unless told otherwise. */
const sight = (more: Partial<Sight>): Sight => ({
  before: [call('a')],
  after: [call('a')],
  redis: ['a'],
  channels: new Set(['a', 'leg of a']),
  let_go: ['a'],
  ...more,
});

describe('what differs', () => {
  test.each<[string, Partial<Sight>, Partial<Drift>]>([
    ['nothing', {}, {}],
    ['its channel is gone', { channels: new Set(), let_go: [] }, { NOT_ON_SWITCH: ['a'] }],
    ['it ended while we asked', { after: [], channels: new Set(), let_go: [], redis: [] }, {}],
    ['it began while we asked', { before: [], redis: [], channels: new Set(), let_go: [] }, {}],
    ['the switch alone has it', { before: [], after: [], redis: [] }, { NOT_KNOWN: ['a'] }],
    ['the switch and Redis have it', { before: [], after: [] }, { NOT_KNOWN: ['a'] }],
    ['it waits for its decision', { before: [], after: [], redis: [], let_go: [] }, {}],
    ['it is admitted and not let go yet', { before: [], after: [], let_go: [] }, {}],
    [
      'Redis alone has it',
      { before: [], after: [], channels: new Set(), let_go: [] },
      { ONLY_IN_REDIS: ['a'] },
    ],
    ['Redis has it not', { redis: [] }, { NOT_IN_REDIS: ['a'] }],
    ['nor is it to', { redis: [], before: [call('a', false)], after: [call('a', false)] }, {}],
  ])('%s', (_, more, drift) => {
    expect(compareSights(sight(more))).toEqual({ ...NONE, ...drift });
  });
});

describe('what was found', () => {
  const found: Drift = {
    NOT_ON_SWITCH: ['a'],
    NOT_KNOWN: ['b'],
    ONLY_IN_REDIS: ['c', 'd'],
    NOT_IN_REDIS: [],
  };

  test('counts at once where it is sure, and else the second time in a row, per server', () => {
    const keeper = createDriftKeeper();
    expect(keeper.confirm('one', found)).toEqual({ ...NONE, NOT_ON_SWITCH: ['a'] });
    expect(keeper.confirm('other', { ...found, NOT_ON_SWITCH: [] })).toEqual(NONE);
    const again = { ...NONE, ONLY_IN_REDIS: ['d', 'e'] };
    expect(keeper.confirm('one', again)).toEqual({ ...NONE, ONLY_IN_REDIS: ['d'] });
    expect(keeper.confirm('one', NONE)).toEqual(NONE);
    expect(keeper.confirm('one', again)).toEqual(NONE);
    expect(keeper.counts('one')).toEqual({
      now: NO_DRIFT,
      ever: { ...NO_DRIFT, NOT_ON_SWITCH: 1, ONLY_IN_REDIS: 1 },
    });
    expect(keeper.counts('unknown')).toEqual({ now: NO_DRIFT, ever: NO_DRIFT });
  });
});
