import { say } from '../contract/language.ts';
import { CLASS_GROUPS, type ClassGroup, type Judgement, type Sign, type Signal } from '../domain/brake.ts';
import { formatMoment } from '../domain/cycle.ts';
import { formatReais } from '../domain/money.ts';
import type { BlockDetail } from '../stores/postgres/block-tables.ts';
import { blockSuspect, type Suspect } from '../stores/postgres/blocks.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { addNotices, addNoticesOnce, type NewNotice } from '../stores/postgres/notices.ts';
import type { CallFacts } from './live-call.ts';

/** Calls of a line, or of all lines of its subscriber, that look like somebody else's. */
export interface Suspicion {
  readonly facts: Pick<
    CallFacts,
    'reseller_id' | 'subscriber_id' | 'subscriber_name' | 'line_id' | 'extension'
  >;
  readonly level: BlockDetail['level'];
  readonly group: ClassGroup;
  readonly judgement: Judgement;
}

type Words = readonly [english: string, portuguese: string];

const GROUPS: Readonly<Record<ClassGroup, Words>> = {
  NATIONAL: ['national calls', 'chamadas nacionais'],
  ABROAD: ['calls abroad', 'chamadas para o exterior'],
  PREMIUM: ['calls to special-rate numbers', 'chamadas para números de tarifa especial'],
};

const SIGNS: Readonly<Record<Signal, (value: string) => Words>> = {
  SPEND_10M: (value) => [
    `${formatReais(BigInt(value))} within 10 minutes`,
    `${formatReais(BigInt(value))} em 10 minutos`,
  ],
  SPEND_60M: (value) => [
    `${formatReais(BigInt(value))} within an hour`,
    `${formatReais(BigInt(value))} em uma hora`,
  ],
  DESTINATIONS: (value) => [
    `${value} different numbers within an hour`,
    `${value} números diferentes em uma hora`,
  ],
  SHORT_CALLS: (value) => [
    `${value} calls of a few seconds within 10 minutes`,
    `${value} chamadas de poucos segundos em 10 minutos`,
  ],
  NEW_COUNTRY: () => ['a country never called before', 'um país nunca chamado antes'],
  NIGHT: () => ['at night', 'à noite'],
  WEEKEND: () => ['at the weekend', 'no fim de semana'],
};

const listed = (signs: readonly Sign[], language: 0 | 1) =>
  signs.map(({ signal, value }) => `- ${SIGNS[signal](value)[language]}`).join('\n');

const both = (text: (language: 0 | 1) => string) => say(text(0), text(1));

function whoseCalls({ facts, level, group }: Suspicion, language: 0 | 1): string {
  const { subscriber_name: name, extension } = facts;
  const line = level === 'LINE' ? (['extension', 'ramal'] as const)[language] : null;
  const of = line === null ? name : `${name}, ${line} ${extension}`;
  return `${GROUPS[group][language]} – ${of}`;
}

function noticeOfBlock(suspicion: Suspicion, ends_at: Date): Pick<NewNotice, 'subject' | 'body'> {
  const until = formatMoment(ends_at);
  const { signs } = suspicion.judgement;
  const body: Words = [
    `Blocked until ${until} (São Paulo) on suspicion of fraud. What stood out:\n${listed(signs, 0)}\n` +
      'Emergency numbers, internal calls and all other calls go on. The block ends by itself. If the calls are your own, ' +
      'it can be lifted before in the panel or by a confirmed link; if not, change the passwords of the phones.',
    `Bloqueadas até ${until} (São Paulo) por suspeita de fraude. O que chamou atenção:\n${listed(signs, 1)}\n` +
      'Números de emergência, chamadas internas e todas as outras continuam. O bloqueio termina sozinho. Se as chamadas ' +
      'são suas, desbloqueie antes no painel ou por um link confirmado; se não são, troque as senhas dos telefones.',
  ];
  return {
    subject: both((language) => `${['Blocked', 'Bloqueio'][language]}: ${whoseCalls(suspicion, language)}`),
    body: both((language) => body[language]),
  };
}

function noticeOfSuspicion(suspicion: Suspicion): Pick<NewNotice, 'subject' | 'body'> {
  const { signs } = suspicion.judgement;
  const body: Words = [
    `These calls look like fraud. They are not blocked. What stood out:\n${listed(signs, 0)}`,
    `Essas chamadas parecem fraude. Não foram bloqueadas. O que chamou atenção:\n${listed(signs, 1)}`,
  ];
  return {
    subject: both(
      (language) => `${['Suspicious', 'Suspeita'][language]}: ${whoseCalls(suspicion, language)}`,
    ),
    body: both((language) => body[language]),
  };
}

export function suspectOf({ facts, level, group, judgement }: Suspicion): Suspect {
  const { reseller_id, subscriber_id, line_id } = facts;
  const { score, signs } = judgement;
  return {
    reseller_id,
    subscriber_id,
    line_id: level === 'LINE' ? line_id : null,
    call_classes: CLASS_GROUPS[group],
    detail: { group, level, score, signs },
  };
}

const ownerOf = ({ reseller_id, subscriber_id, line_id }: Suspect) => ({
  reseller_id,
  subscriber_id,
  line_id,
});

/** Blocks what is suspicious and tells whom it concerns, both or neither. Gives whether it was not blocked before. */
export function writeBlock(db: Db, suspicion: Suspicion): Promise<boolean> {
  const suspect = suspectOf(suspicion);
  return db.transaction().execute(async (tx) => {
    const block = await blockSuspect(tx, suspect);
    if (!block) return false;
    const text = noticeOfBlock(suspicion, block.ends_at);
    await addNotices(tx, { ...ownerOf(suspect), ...text, kind: 'CALLS_BLOCKED', block_id: block.id });
    return true;
  });
}

/** Tells whom it concerns and blocks nothing. */
export function writeSuspicion(db: Db, suspicion: Suspicion): Promise<boolean> {
  const owner = ownerOf(suspectOf(suspicion));
  const notice = { ...owner, ...noticeOfSuspicion(suspicion), kind: 'CALLS_SUSPICIOUS' } as const;
  return db.transaction().execute((tx) => addNoticesOnce(tx, notice));
}
