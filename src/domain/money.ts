/** Money is an integer number of micro-reais (1 real = 1,000,000). No float ever touches it. */
export type Micros = bigint;

export const MICROS_PER_REAL = 1_000_000n;

/** Per-minute prices above this are refused: within it the Redis scripts stay exact in 53-bit numbers. */
export const MAX_PRICE_MICROS_PER_MINUTE = 1_000n * MICROS_PER_REAL;

/**
 * Price of `seconds` billed seconds, rounded once, half-up, to the micro.
 * The charge of a slice is the difference of two cumulative results, so slices always add up to the call.
 */
export function priceOfSeconds(price_micros_per_minute: Micros, seconds: number): Micros {
  return (price_micros_per_minute * BigInt(seconds) + 30n) / 60n;
}

const DECIMALS = 6;
/** Digits, and decimals after a comma or a point. */
const PLAIN = /^(\d{1,15})(?:[.,](\d{1,6}))?$/;
/** Thousands in threes by the one sign, decimals after the other. */
const GROUPED = /^(\d{1,3}(?:\.\d{3})+),(\d{1,6})$|^(\d{1,3}(?:,\d{3})+)\.(\d{1,6})$/;

/**
 * Reads an amount in reais as people write it: `0,12`, `0.12`, `R$ 1.234,56`. Exact: null for more than six decimals,
 * for what is negative, and for anything that is no amount. A single comma or point begins the decimals: `1.234` is less than two.
 */
export function parseReais(text: string): Micros | null {
  const amount = text.trim().replace(/^R\$\s*/i, '');
  const match = PLAIN.exec(amount) ?? GROUPED.exec(amount);
  if (!match) return null;
  const whole = match[1] ?? match[3] ?? '';
  const decimals = match[2] ?? match[4] ?? '';
  return BigInt(whole.replace(/[.,]/g, '') + decimals.padEnd(DECIMALS, '0'));
}

/** `1234567n` → `R$ 1,23`: half-up to the cent, thousands with a point, as Brazilian panels show it. */
export function formatReais(amount: Micros): string {
  const magnitude = amount < 0n ? -amount : amount;
  const cents = (magnitude + 5_000n) / 10_000n;
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, '.');
  const sign = amount < 0n && cents > 0n ? '-' : '';
  return `${sign}R$ ${whole},${(cents % 100n).toString().padStart(2, '0')}`;
}
