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

/** `1234567n` → `R$ 1,23`: half-up to the cent, thousands with a point, as Brazilian panels show it. */
export function formatReais(amount: Micros): string {
  const magnitude = amount < 0n ? -amount : amount;
  const cents = (magnitude + 5_000n) / 10_000n;
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, '.');
  const sign = amount < 0n && cents > 0n ? '-' : '';
  return `${sign}R$ ${whole},${(cents % 100n).toString().padStart(2, '0')}`;
}
