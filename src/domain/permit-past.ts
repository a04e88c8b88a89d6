import {
  boundsOf,
  FREE,
  type LineFacts,
  type Permission,
  type Prices,
  payingSlot,
  routeOf,
  type TrunkFacts,
} from './authorize.ts';
import { CALL_CLASS_FACTS } from './call-class.ts';
import { classifyDialled, type DialledNumber } from './dialled-number.ts';
import { losesEachMinute } from './loss.ts';
import { classByRate, type FoundRate, findRate } from './rate-table.ts';

/** What this line means by what it dialled. */
export function classifyFor(dialled: string, { area_code, subscriber }: LineFacts): DialledNumber {
  return classifyDialled(dialled, {
    areaCode: area_code,
    extensions: new Set([...subscriber.extensions.keys(), ...subscriber.groups.keys()]),
    intlDialing: subscriber.intl_dialing,
    autoNinthDigit: subscriber.auto_ninth_digit,
  });
}

function paidRates(destination: Permission['destination'], sale: FoundRate, prices: Prices) {
  const bought = prices.wholesale;
  const wholesale = bought === null || bought === 'NO_PRICES' ? null : findRate(bought, destination);
  const cost = prices.cost && findRate(prices.cost, destination);
  const paid = wholesale ?? cost;
  return { rate: sale, wholesale, cost, loss: paid !== null && losesEachMinute(sale, paid) };
}

/**
 * A call out that was let go before, whatever became of line, plan, means and permissions since: what was talked is
 * charged at the prices of then. Without a price it is charged nothing, and `rate` is null although its class is not
 * free. null: there is nowhere it can have gone.
 */
export function permitPast(
  dialled: string,
  facts: LineFacts,
  trunk: TrunkFacts | null,
  prices: Prices,
): Permission | null {
  const result = classifyFor(dialled, facts);
  if (result.kind !== 'NUMBER') return null;
  const sale = prices.sale && findRate(prices.sale, result);
  const destination = { ...result, class: classByRate(result.class, sale) };
  const route = routeOf(destination, facts, trunk);
  if (!route) return null;
  const caller_id = route.kind === 'TRUNK' ? (facts.caller_id ?? '') : facts.extension;
  const bounds = boundsOf(destination.class, facts, route, facts.caller_id_limits);
  const paid = !CALL_CLASS_FACTS[destination.class].free && sale;
  const rates = paid ? paidRates(destination, paid, prices) : FREE;
  const slot = rates.rate && payingSlot(destination.class, facts.subscriber);
  return { destination, route, ...rates, slot, ...bounds, caller_id };
}
