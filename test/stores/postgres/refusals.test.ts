import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type RefusalRecord, recordRefusals } from '../../../src/stores/postgres/refusals.ts';
import { addTenant, type Tenant, useDatabase } from './use-tenants.ts';

const database = useDatabase();

const refusalOf = ({ server_id, reseller_id, subscriber_id, line_id }: Tenant): RefusalRecord => ({
  call_id: randomUUID(),
  server_id,
  reseller_id,
  subscriber_id,
  line_id,
  dialled: '1133334444',
  number: '+551133334444',
  call_class: 'FIXED_LOCAL',
  reason: 'LIMIT_REACHED',
  detail: null,
  limit_level: 'LINE',
  limit_direction: 'TOTAL',
  limit_value: 2,
  holders: ['a', 'b'],
  direction: 'IN' as const,
  caller_number: '+5521999998888',
  forwarded_from: null,
  created_at: new Date('2026-11-10T12:00:00.123Z'),
});

const stored = (server_id: string) =>
  database()
    .db.selectFrom('refusals')
    .selectAll()
    .where('server_id', '=', server_id)
    .orderBy('call_id')
    .execute();

test('a refusal is recorded once, as it was told first', async () => {
  const { db } = database();
  const tenant = await addTenant(db);
  const [one, two] = [refusalOf(tenant), refusalOf(tenant)];
  const changed: RefusalRecord = {
    ...one,
    reason: 'NO_CREDIT',
    limit_level: null,
    limit_direction: null,
    limit_value: null,
    holders: null,
  };
  await recordRefusals(db, [one, changed, one]);
  await recordRefusals(db, [changed, two]);
  await recordRefusals(db, [two, one]);
  const byId = (a: RefusalRecord, b: RefusalRecord) => (a.call_id < b.call_id ? -1 : 1);
  expect(await stored(tenant.server_id)).toEqual([one, two].sort(byId));
});

test('a refusal of a stranger has neither line nor subscriber', async () => {
  const { db } = database();
  const tenant = await addTenant(db);
  const nobody = { reseller_id: null, subscriber_id: null, line_id: null, number: null, call_class: null };
  const limit = { limit_level: null, limit_direction: null, limit_value: null, holders: null };
  const refusal: RefusalRecord = {
    ...refusalOf(tenant),
    ...nobody,
    ...limit,
    reason: 'UNKNOWN_LINE',
    detail: 'x?x',
  };
  await recordRefusals(db, [refusal]);
  expect(await stored(tenant.server_id)).toEqual([refusal]);
});
