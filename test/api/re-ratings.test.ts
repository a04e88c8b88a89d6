import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { reRatingSchema } from '../../src/contract/re-ratings.ts';
import { settleCalls } from '../../src/stores/postgres/settlements.ts';
import { recordOf } from '../stores/postgres/use-tenants.ts';
import { expectStatus, fieldsOf } from './people.ts';
import { addTown, type Household, type Town } from './tenants.ts';
import { useApi } from './use-api.ts';

const api = useApi();
let town: Town;

const DAY_ms = 24 * 3_600_000;
const today = (days: number) => new Date(Date.now() + days * DAY_ms).toISOString();
const PERIOD = { from: today(-1), to: today(1) };

/** Three calls of 36 s at R$ 0,10, made when the plan had its prices. */
async function addCalls({ reseller_id, subscriber_id, line_id, sales_plan_id }: Household): Promise<void> {
  const tenant = {
    reseller_id,
    subscriber_id,
    line_id,
    sales_plan_id,
    server_id: town.server_id,
    username: '',
  };
  await settleCalls(
    api().database.db,
    [1, 2, 3].map(() => recordOf(tenant, { created_at: new Date() })),
  );
}

beforeAll(async () => {
  town = await addTown(api());
  for (const household of [town.ours, town.neighbour, town.stranger]) await addCalls(household);
});

const ask = (body: object, who: keyof Town['keys'] = 'reseller') =>
  api().ask(town.keys[who], 'POST', '/api/v1/re-ratings', { body: { ...PERIOD, ...body } });

async function resultOf(job_id: string) {
  let job: { state: string; result: unknown } = { state: '', result: null };
  const isOver = async () => {
    job = expectStatus(await api().ask(town.keys.reseller, 'GET', `/api/v1/jobs/${job_id}`), 200).body;
    return job.state === 'DONE' || job.state === 'FAILED';
  };
  await waitUntil(isOver, { timeout_ms: 20_000, what: 'the job to be over' });
  expect(job.state).toBe('DONE');
  return reRatingSchema.parse(job.result);
}

describe('a re-rating', () => {
  test('is answered with its job, whose result is the comparison', async () => {
    const { body: job } = expectStatus(await ask({}), 202);
    expect(job).toMatchObject({ kind: 'RE_RATE', reseller_id: town.ours.reseller_id, result: null });
    const result = await resultOf(job.id);
    expect(result.recorded).toMatchObject({ calls: 6, paid_seconds: 216, total_micros: '360000' });
  });

  test('is of one subscriber, with another franquia', async () => {
    const bundles = [{ slot: 'FIXED_LOCAL', bundle_id: town.ours.minute_bundle_id }];
    const asked = { subscriber_id: town.ours.subscriber_id, bundles };
    const result = await resultOf(expectStatus(await ask(asked), 202).body.id);
    expect(result.re_rated).toMatchObject({ calls: 3, bundle_seconds: 108, total_micros: '0' });
    expect(result.difference_micros).toBe('-180000');
  });

  test.each([
    ['its end is before its begin', { to: today(-2) }, 400, ['to']],
    ['it is longer than 13 months', { to: today(399) }, 400, ['to']],
    ['a slot comes twice', { bundles: 'TWICE' }, 400, ['bundles']],
    ['the master does not say whose', {}, 400, ['reseller_id'], 'master'],
    ['it is of a stranger’s subscriber', { subscriber_id: 'subscriber_id' }, 404, ['subscriber_id']],
    ['it is on a stranger’s plan', { sales_plan_id: 'sales_plan_id' }, 404, ['sales_plan_id']],
    ['it has a stranger’s franquia', { bundles: 'minute_bundle_id' }, 404, ['bundles.0.bundle_id']],
    ['it is a stranger’s', { reseller_id: 'reseller_id' }, 404, ['reseller_id']],
    ['a subscriber asks', {}, 404, [], 'subscriber'],
  ] as const)('is refused when %s', async (_, body, status, fields, who?: keyof Town['keys']) => {
    const slot = (bundle_id: string) => ({ slot: 'FIXED_LOCAL', bundle_id });
    const strange = Object.entries(body).map(([name, value]) => {
      const id = town.stranger[value as keyof Household];
      if (value === 'TWICE')
        return [name, [slot(town.ours.minute_bundle_id), slot(town.ours.minute_bundle_id)]];
      return [name, id === undefined ? value : name === 'bundles' ? [slot(id)] : id];
    });
    const answer = await ask(Object.fromEntries(strange), who);
    expectStatus(answer, status);
    expect(fieldsOf(answer)).toEqual(fields);
  });
});
