import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { INVALID_NUMBER_REASONS } from '../../src/domain/dialled-number.ts';
import { LIMIT_DIRECTIONS, LIMIT_LEVELS, REFUSAL_REASONS, REFUSALS } from '../../src/domain/refusals.ts';

const text = readFileSync(new URL('../../docs/refusals.md', import.meta.url), 'utf8');

/** Cells of the table whose head begins with this word, a row for each line. */
function tableOf(head: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| ${head} +\\|`).test(line));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) => {
    const cells = line.split('|').slice(1, -1);
    return cells.map((cell) => cell.trim());
  });
}

const first = (rows: string[][]) => rows.map((row) => row[0]?.replaceAll('`', '') ?? '').sort();

describe('docs/refusals.md', () => {
  test('has every refusal once and nothing else', () => {
    expect(first(tableOf('Reason'))).toEqual([...REFUSAL_REASONS].sort());
  });

  test.each(REFUSAL_REASONS)('says of %s what goes over the wire, what it means and what to do', (reason) => {
    const row = tableOf('Reason').find(([name]) => name === `\`${reason}\``);
    const [, sip, q850, meaning = '', remedy = '', ...more] = row ?? [];
    expect({ sip: Number(sip), q850: Number(q850) }).toEqual(REFUSALS[reason]);
    expect(meaning.length).toBeGreaterThan(30);
    expect(remedy.length).toBeGreaterThan(30);
    expect(more).toEqual([]);
  });

  test('has every detail of an invalid number once', () => {
    expect(first(tableOf('Detail'))).toEqual([...INVALID_NUMBER_REASONS, 'UNKNOWN_FEATURE'].sort());
  });

  test('has every level of a limit once', () => {
    expect(first(tableOf('Level'))).toEqual([...LIMIT_LEVELS].sort());
  });

  test('has every direction of a limit once', () => {
    expect(first(tableOf('Direction'))).toEqual([...LIMIT_DIRECTIONS].sort());
  });
});

describe('refusals on the wire', () => {
  test('have a cause of their own each', () => {
    const causes = REFUSAL_REASONS.map((reason) => REFUSALS[reason].q850);
    expect(new Set(causes).size).toBe(causes.length);
  });

  // What Asterisk's chan_pjsip makes of a cause; all others become 603.
  const sipOf: Record<number, number> = {
    1: 404,
    3: 404,
    20: 480,
    21: 403,
    27: 502,
    28: 484,
    34: 503,
    38: 500,
    42: 503,
  };
  test.each(REFUSAL_REASONS)('%s: its SIP status follows from its cause', (reason) => {
    const { q850, sip } = REFUSALS[reason];
    expect(sip).toBe(sipOf[q850] ?? 603);
  });

  test.each(REFUSAL_REASONS)('%s never reads as a busy or silent callee', (reason) => {
    expect([16, 17, 18, 19]).not.toContain(REFUSALS[reason].q850);
  });
});
