import type { Redis } from 'ioredis';
import { addReseller } from '../../dev/world/tenants.ts';
import type { BundleSlot } from '../../src/domain/call-class.ts';
import { correctionEntries } from '../../src/domain/ledger.ts';
import type { Db } from '../../src/stores/postgres/connect.ts';
import { recordRefusals } from '../../src/stores/postgres/refusals.ts';
import { moveResellerMoney, readResellerWallet } from '../../src/stores/postgres/reseller-wallets.ts';
import { settleCalls, settledAmong } from '../../src/stores/postgres/settlements.ts';
import { moveMoney, openWallet, readWallets } from '../../src/stores/postgres/wallets.ts';
import { addServer } from '../stores/postgres/use-tenants.ts';
import type { Household } from './household.ts';
import type { Ledger } from './ledger.ts';
import type { Asked } from './tape.ts';

/** Writes down in Postgres whom a history is about. */
export async function settleIn(db: Db, house: Household): Promise<void> {
  const { reseller_id } = house;
  await db
    .updateTable('resellers')
    .set({ id: reseller_id })
    .where('id', '=', await addReseller(db))
    .execute();
  for (const id of house.server_ids)
    await db
      .updateTable('asterisk_servers')
      .set({ id })
      .where('id', '=', await addServer(db))
      .execute();
  const [server_id = ''] = house.server_ids;
  for (const { facts, terms, bundles } of house.subscribers) {
    const { subscriber_id: id, cycle_day } = facts;
    const own = { id, name: id, cycle_day, reseller_id, server_id, billing_mode: terms.billing_mode };
    const plan = { reseller_id, name: `Plano ${id}` };
    const { id: sales_plan_id } = await db
      .insertInto('sales_plans')
      .values(plan)
      .returning('id')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('subscribers')
      .values({ ...own, sales_plan_id, max_concurrent_calls: terms.max_calls })
      .execute();
    for (const [slot, included_seconds] of Object.entries(bundles))
      await addBundle(db, { subscriber_id: id, reseller_id }, slot as BundleSlot, included_seconds);
  }
}

async function addBundle(
  db: Db,
  { subscriber_id, reseller_id }: { readonly subscriber_id: string; readonly reseller_id: string },
  slot: BundleSlot,
  included_seconds: number,
): Promise<void> {
  const bundle = { reseller_id, name: `Franquia ${subscriber_id} ${slot}`, included_seconds };
  const { id: bundle_id } = await db
    .insertInto('minute_bundles')
    .values({ ...bundle, monthly_price_micros: 0n })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.insertInto('bundle_slots').values({ subscriber_id, slot, bundle_id }).execute();
}

/** The ledger of the product, in a real Postgres. */
export function realLedger(db: Db): Ledger {
  let references = 0;
  const of = (id: string) => {
    const reference = `${id} ${++references}`;
    return { kind: 'CORRECTION', reference, author: 'simulation', reason: 'a history' } as const;
  };
  return {
    settleCalls: (records) => settleCalls(db, records),
    settledAmong: (ids) => settledAmong(db, ids),
    openWallet: (payer, cycle) => openWallet(db, payer, cycle),
    readWallets: (ids) => readWallets(db, ids),
    readResellerWallet: (id) => readResellerWallet(db, id),
    recordRefusals: (records) => recordRefusals(db, records),
    topUp: (holder, amount) =>
      db.transaction().execute((tx) => {
        const entries = correctionEntries(holder, amount);
        return moveMoney(tx, {
          holder,
          amount,
          leg: 'subscriber',
          entries,
          ...of(holder.subscriber_id),
        });
      }),
    async topUpReseller(reseller_id, amount) {
      await db
        .transaction()
        .execute((tx) => moveResellerMoney(tx, { reseller_id, amount, ...of(reseller_id) }));
    },
  };
}

/** Scripts ask for the time of the history instead of the server's, and nothing goes by itself meanwhile. */
const CLOCK = `
local server = redis
local redis = { call = function(name, ...)
  if name == 'PEXPIRE' then return 1 end
  if name ~= 'TIME' then return server.call(name, ...) end
  local second, micro = string.match(server.call('GET', 'history:now'), '(%d+) (%d+)')
  return { second, micro }
end }
`;

/** Asks a real Redis what the one in memory was asked. */
export async function askRedis(redis: Redis, asked: Exclude<Asked, { store: 'LEDGER' }>): Promise<unknown> {
  if (asked.store === 'FLUSH') return redis.flushdb();
  if (asked.store === 'COMMAND') return ask(redis, asked);
  const { lua, keys, given, now_ms } = asked;
  await redis.set('history:now', `${Math.floor(now_ms / 1000)} ${Math.round((now_ms % 1000) * 1000)}`);
  return redis.eval(CLOCK + lua, keys.length, ...keys, ...given);
}

/** By the methods that the product uses, which make the replies of either protocol the same. */
function ask(redis: Redis, { name, given }: Extract<Asked, { store: 'COMMAND' }>): Promise<unknown> {
  const all = name === 'SCAN' ? ['0', 'MATCH', 'pabx:*', 'COUNT', '10000'] : given;
  return Reflect.apply(Reflect.get(redis, name.toLowerCase()), redis, all);
}
