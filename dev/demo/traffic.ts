import { randomInt } from 'node:crypto';
import type { Seeded, SeededLine, SeededSubscriber } from '../../src/admin/seed.ts';
import type { Callers } from './callers.ts';
import { dialledNumber, type NumberKind, pick } from './numbers.ts';

/** The first calls: what is worth seeing happens within a minute, whatever chance brings afterwards. */
const OPENING: readonly (readonly [
  at_s: number,
  subscriber: string,
  extension: string,
  kind: NumberKind,
  talk_s: number,
])[] = [
  // 48 s of the franquia, and then money.
  [0, 'Moura & Lins Advocacia', '302', 'LOCAL_MOBILE', 100],
  [1, 'Clínica Sorriso Odontologia', '202', 'LOCAL', 5],
  [1.5, 'Andrade Contabilidade', '1003', 'LOCAL_MOBILE', 6],
  // Two calls on one small balance: both are cut when it is gone.
  [2, 'Pizzaria Bella Massa', '21', 'LOCAL_MOBILE', 240],
  [3, 'Pizzaria Bella Massa', '22', 'LDN_MOBILE', 240],
  // Two calls are all that it may have.
  [4, 'Pet Shop Amigo Fiel', '31', 'LOCAL', 60],
  [5, 'Pet Shop Amigo Fiel', '32', 'LOCAL_MOBILE', 50],
  [6, 'Hotel Mar Azul', '501', 'ABROAD', 35],
  [7, 'Pet Shop Amigo Fiel', '33', 'LOCAL', 20],
  [8, 'Transportadora Rota Sul', '403', 'LDN_MOBILE', 10],
  [9, 'Padaria Pão de Minas', '21', 'ABROAD_MOBILE', 20],
  [10, 'Andrade Contabilidade', '1001', 'COLLEAGUE', 15],
  [11, 'Moura & Lins Advocacia', '301', 'LOCAL', 7],
  [12, 'Clínica Sorriso Odontologia', '201', 'TOLL_FREE', 12],
  [13, 'Clínica Sorriso Odontologia', '203', 'WRONG', 5],
  [14, 'Andrade Contabilidade', '1002', 'BUSY', 5],
];

/** What lines dial, by how often. */
const USUAL: Readonly<Partial<Record<NumberKind, number>>> = {
  LOCAL: 24,
  LOCAL_MOBILE: 26,
  LDN: 10,
  LDN_MOBILE: 12,
  COLLEAGUE: 12,
  TOLL_FREE: 5,
  NATIONWIDE: 3,
  UTILITY: 2,
  ABROAD: 3,
  WRONG: 2,
  BUSY: 4,
  NO_ANSWER: 1,
  ANSWERING_MACHINE: 2,
};

const WEIGHTED = Object.entries(USUAL).flatMap(([kind, weight]) =>
  Array.from({ length: weight }, () => kind as NumberKind),
);

const MAX_AT_ONCE = 16;
const EVERY_ms = [1_000, 2_000] as const;
/** Of a hundred calls, those from a line that is busy already. */
const FROM_BUSY_percent = 4;
const REDIAL_AFTER_ms = 4_000;
const LONGEST_TALK_ms = 80_000;
const GIVES_UP_AFTER_ms = 9_000;

/** Most calls are short and some are long. */
function talkTime_ms(): number {
  const mean_ms = 22_000;
  const drawn = -mean_ms * Math.log(1 - randomInt(1_000_000) / 1_000_000);
  return Math.round(Math.min(LONGEST_TALK_ms, 3_000 + drawn));
}

export interface Traffic {
  /** Somebody whose call was cut tries again. */
  redial(line_id: string): void;
  stop(): void;
}

export function startTraffic(seeded: Seeded, callers: Callers): Traffic {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  function later(delay_ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, delay_ms);
    if (stopped) clearTimeout(timer);
    else timers.add(timer);
  }

  function dial(owner: SeededSubscriber, line: SeededLine, kind: NumberKind, talk_ms: number): void {
    const colleagues = owner.lines.map(({ extension }) => extension).filter((it) => it !== line.extension);
    const number = dialledNumber(kind, { ...line, colleagues });
    callers.dial(line, number, kind === 'NO_ANSWER' ? { ring_ms: GIVES_UP_AFTER_ms } : { talk_ms });
  }

  const everyone = seeded.subscribers.flatMap((owner) => owner.lines.map((line) => ({ owner, line })));

  function dialAtRandom(): void {
    const fromBusy = randomInt(100) < FROM_BUSY_percent;
    const able = everyone.filter(({ line }) => callers.busy(line) > 0 === fromBusy);
    if (able.length === 0 || callers.active() >= MAX_AT_ONCE) return;
    const { owner, line } = pick(able);
    dial(owner, line, pick(WEIGHTED), talkTime_ms());
  }

  function goOn(): void {
    dialAtRandom();
    later(randomInt(...EVERY_ms), goOn);
  }

  for (const [at_s, name, extension, kind, talk_s] of OPENING) {
    const known = everyone.find(({ owner, line }) => owner.name === name && line.extension === extension);
    if (!known) throw new Error(`the seed has no line ${extension} of ${name}`);
    later(at_s * 1_000, () => dial(known.owner, known.line, kind, talk_s * 1_000));
  }
  later((OPENING.length + 1) * 1_000, goOn);

  return {
    redial(line_id) {
      const known = everyone.find(({ line }) => line.line_id === line_id);
      if (known) later(REDIAL_AFTER_ms, () => dial(known.owner, known.line, 'LOCAL_MOBILE', talkTime_ms()));
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
