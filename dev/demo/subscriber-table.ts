import type { LiveCallRow } from '../../src/contract/live.ts';
import { BUNDLE_SLOTS, type BundleSlot } from '../../src/domain/call-class.ts';
import { formatReais, MICROS_PER_REAL } from '../../src/domain/money.ts';
import type { Subscriber } from './api.ts';
import { type Cell, row, widthOf } from './cells.ts';
import type { Style } from './screen.ts';
import { CLASS_WORDS, formatSeconds, MODE_WORDS } from './words.ts';

/** Beside the name, which takes what is left, and the slots that there is room for. */
const WIDTHS = { mode: 8, balance: -10, live: -4, reserved: -7 };
/** `120/157:30`. */
const SLOT_WIDTH = -10;
const SLOT_ROOM = 1 - SLOT_WIDTH;
const NAME_AT_LEAST = 15;

/** Below this a prepaid balance is red: no block of a mobile call can be paid with it. */
const LITTLE_MONEY = MICROS_PER_REAL / 5n;
const FEW_MINUTES_share = 0.05;

type Bundle = Subscriber['bundles'][number];

/** Minutes used, and what is left to the second. */
function bundleCell(bundle: Bundle | undefined): Cell {
  if (!bundle) return ['–', SLOT_WIDTH, 'dim'];
  const { included_seconds, left_seconds } = bundle;
  const text = `${Math.floor((included_seconds - left_seconds) / 60)}/${formatSeconds(left_seconds)}`;
  if (left_seconds === 0) return [text, SLOT_WIDTH, 'red'];
  return left_seconds < included_seconds * FEW_MINUTES_share
    ? [text, SLOT_WIDTH, 'yellow']
    : [text, SLOT_WIDTH];
}

/** As many slots as there is room for: those that most subscribers have. */
function slotsFor(columns: number, subscribers: readonly Subscriber[]): BundleSlot[] {
  const room = Math.max(0, Math.floor((columns - NAME_AT_LEAST - widthOf(WIDTHS)) / SLOT_ROOM));
  const users = (slot: BundleSlot) =>
    subscribers.filter(({ bundles }) => bundles.some((bundle) => bundle.slot === slot)).length;
  const chosen = [...BUNDLE_SLOTS].sort((a, b) => users(b) - users(a)).slice(0, room);
  return BUNDLE_SLOTS.filter((slot) => chosen.includes(slot));
}

/** Billed seconds that the calls of each subscriber hold until they end. */
function reservations(live: Iterable<LiveCallRow>): Map<string, number> {
  const held = new Map<string, number>();
  for (const { subscriber_id, bundle_seconds, paid_seconds } of live)
    held.set(subscriber_id, (held.get(subscriber_id) ?? 0) + bundle_seconds + paid_seconds);
  return held;
}

/** Consumption as the ledger has it, where a call counts when it has ended, and what is reserved meanwhile. */
export function subscriberTable(
  subscribers: readonly Subscriber[],
  live: Iterable<LiveCallRow>,
  columns: number,
): string[] {
  const held = reservations(live);
  const slots = slotsFor(columns, subscribers);
  const nameWidth = columns - widthOf(WIDTHS) - slots.length * SLOT_ROOM;
  const head = row([
    ['Consumo', nameWidth, 'bold'],
    ['modal.', WIDTHS.mode, 'dim'],
    ['saldo', WIDTHS.balance, 'dim'],
    ['vivo', WIDTHS.live, 'dim'],
    ['reserva', WIDTHS.reserved, 'dim'],
    ...slots.map((slot): Cell => [CLASS_WORDS[slot].replace('móvel', 'móv.'), SLOT_WIDTH, 'dim']),
  ]);
  const rows = subscribers.map((subscriber) => {
    const { id, name, billing_mode, live_calls, bundles } = subscriber;
    const balance = BigInt(subscriber.balance_micros);
    const balanceStyles: Style[] = billing_mode === 'PREPAID' && balance < LITTLE_MONEY ? ['red'] : [];
    const liveStyles: Style[] = live_calls > 0 ? ['bold'] : ['dim'];
    return row([
      [name, nameWidth],
      [MODE_WORDS[billing_mode], WIDTHS.mode],
      [formatReais(balance), WIDTHS.balance, ...balanceStyles],
      [String(live_calls), WIDTHS.live, ...liveStyles],
      [formatSeconds(held.get(id) ?? 0), WIDTHS.reserved, ...liveStyles],
      ...slots.map((slot) => bundleCell(bundles.find((bundle) => bundle.slot === slot))),
    ]);
  });
  return [head, ...rows];
}
