import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BLOCKABLE_CLASSES,
  type Block,
  type BlockableCall,
  blockOf,
  blocks,
  brakeBlock_ms,
  levelOfBlock,
} from '../../src/domain/blocks.ts';
import { CALL_CLASSES } from '../../src/domain/call-class.ts';

const CALL: BlockableCall = {
  reseller_id: 'r1',
  subscriber_id: 's1',
  line_id: 'l1',
  call_class: 'INTL_FIXED',
};

const blockWith = (more: Partial<Block> = {}): Block => ({
  block_id: 'b1',
  reseller_id: 'r1',
  subscriber_id: 's1',
  line_id: 'l1',
  call_classes: ['INTL_FIXED'],
  reason: 'SUSPICION',
  ends_at_ms: 1_000,
  ...more,
});

describe('a block', () => {
  const cases: [
    what: string,
    block: Partial<Block>,
    call: Partial<BlockableCall>,
    now_ms: number,
    holds: boolean,
  ][] = [
    ['of the line', {}, {}, 999, true],
    ['at its end', {}, {}, 1_000, false],
    ['of another line', { line_id: 'l2' }, {}, 0, false],
    ['of every line', { line_id: null }, { line_id: 'l2' }, 0, true],
    ['of another subscriber', { line_id: null, subscriber_id: 's2' }, {}, 0, false],
    ['of every subscriber', { line_id: null, subscriber_id: null }, { subscriber_id: 's2' }, 0, true],
    ['of another reseller', { line_id: null, subscriber_id: null, reseller_id: 'r2' }, {}, 0, false],
    ['of another class', {}, { call_class: 'FIXED_LOCAL' }, 0, false],
    ['of calls in', { call_classes: ['INBOUND'] }, { call_class: 'INBOUND' }, 0, true],
    [
      'that names emergencies by mistake',
      { call_classes: CALL_CLASSES },
      { call_class: 'EMERGENCY' },
      0,
      false,
    ],
    [
      'that names internal calls by mistake',
      { call_classes: CALL_CLASSES },
      { call_class: 'INTERNAL' },
      0,
      false,
    ],
  ];
  test.each(cases)('%s', (_, block, call, now_ms, holds) => {
    expect(blocks(blockWith(block), { ...CALL, ...call }, now_ms)).toBe(holds);
  });

  test('can name every class but emergency and internal ones', () => {
    expect([...BLOCKABLE_CLASSES, 'EMERGENCY', 'INTERNAL'].sort()).toEqual([...CALL_CLASSES].sort());
  });

  test.each([
    [{}, 'LINE'],
    [{ line_id: null }, 'SUBSCRIBER'],
    [{ line_id: null, subscriber_id: null }, 'RESELLER'],
  ])('of %j is at the level %s', (more, level) => {
    expect(levelOfBlock(blockWith(more))).toBe(level);
  });

  test('that ends last is the one that is told', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 8 }), fc.nat(50), (ends, now_ms) => {
        const all = ends.map((ends_at_ms) => blockWith({ ends_at_ms }));
        const holding = ends.filter((end) => end > now_ms);
        const told = blockOf(all, CALL, now_ms)?.ends_at_ms ?? null;
        expect(told).toBe(holding.length === 0 ? null : Math.max(...holding));
      }),
    );
  });

  test.each([
    [0, 1],
    [1, 2],
    [2, 4],
    [4, 16],
    [5, 24],
    [40, 24],
  ])('by the brake after %i before lasts %i hours', (before, hours) => {
    expect(brakeBlock_ms(before)).toBe(hours * 3_600_000);
  });
});
