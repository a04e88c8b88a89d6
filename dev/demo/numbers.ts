import { randomInt } from 'node:crypto';
import { CARRIER_NUMBERS } from '../world/scenario.ts';

/** What somebody may dial, as people in Brazil dial it. */
export type NumberKind =
  | 'LOCAL'
  | 'LOCAL_MOBILE'
  | 'LDN'
  | 'LDN_MOBILE'
  | 'COLLEAGUE'
  | 'TOLL_FREE'
  | 'NATIONWIDE'
  | 'UTILITY'
  | 'ABROAD'
  | 'ABROAD_MOBILE'
  | 'WRONG'
  | 'BUSY'
  | 'NO_ANSWER'
  | 'ANSWERING_MACHINE';

interface Caller {
  readonly area_code: string;
  /** Extensions of the others. */
  readonly colleagues: readonly string[];
}

const AREAS = ['11', '19', '21', '27', '31', '41', '47', '51', '61', '71', '81', '85', '92'];
const CARRIERS = ['15', '21', '31', '41'];
/** An unassigned area, a short code that nobody has, too few digits. */
const WRONG_NUMBERS = ['2033445566', '12345', '3344', '011998'];
const SPECIAL_ENDINGS: readonly string[] = Object.values(CARRIER_NUMBERS);

export function pick<T>(list: readonly T[]): T {
  return list[randomInt(list.length)] as T;
}

function digits(count: number): string {
  return String(randomInt(10 ** count)).padStart(count, '0');
}

/** The last two digits of somebody who answers and goes on talking. */
function ordinaryEnding(): string {
  const ending = digits(2);
  return SPECIAL_ENDINGS.includes(ending) ? '42' : ending;
}

const fixed = () => `3${pick(['2', '3', '5'])}${digits(4)}${ordinaryEnding()}`;
const mobile = (ending = ordinaryEnding()) => `9${pick(['6', '7', '8', '9'])}${digits(5)}${ending}`;
const otherArea = (own: string) => pick(AREAS.filter((area) => area !== own));

const DIAL: Readonly<Record<NumberKind, (caller: Caller) => string>> = {
  LOCAL: fixed,
  LOCAL_MOBILE: () => mobile(),
  LDN: ({ area_code }) => `0${otherArea(area_code)}${fixed()}`,
  LDN_MOBILE: ({ area_code }) => `0${pick(CARRIERS)}${otherArea(area_code)}${mobile()}`,
  COLLEAGUE: ({ colleagues }) => pick(colleagues),
  TOLL_FREE: () => `0800${digits(5)}${ordinaryEnding()}`,
  NATIONWIDE: () => `4004${digits(2)}${ordinaryEnding()}`,
  UTILITY: () => pick(['102', '156']),
  ABROAD: () => `0035121${digits(5)}${ordinaryEnding()}`,
  ABROAD_MOBILE: () => `0035191${digits(5)}${ordinaryEnding()}`,
  WRONG: () => pick(WRONG_NUMBERS),
  BUSY: () => mobile(CARRIER_NUMBERS.busy),
  NO_ANSWER: () => mobile(CARRIER_NUMBERS.neverAnswers),
  ANSWERING_MACHINE: () => mobile(CARRIER_NUMBERS.hangsUpAfterTwoSeconds),
};

export function dialledNumber(kind: NumberKind, caller: Caller): string {
  return DIAL[kind](caller);
}
