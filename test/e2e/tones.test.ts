import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type Ear, openEar } from '../../dev/world/ear.ts';
import type { SubscriberOptions } from '../../dev/world/tenants.ts';
import { isToneChannel } from '../../src/asterisk/ari/whisper.ts';
import { recordsOf, subscriberWithLine, useWorld } from './use-world.ts';

/** Slices that outlive a restart of the control plane. */
const SETTINGS = { SLICE_SECONDS: '120', LEAD_SECONDS: '1', GRACE_SECONDS: '2' };
/** 1 micro a second. */
const MICRO_PER_SECOND = { price_micros_per_minute: 60n, cadence: [1, 1, 0] } as const;
/** What callers and the carrier say all the time, and what a switch whispers. */
const CALLER_hz = 600;
const CARRIER_hz = 500;
const WARNING_hz = 1_400;
const MONEY_hz = 1_000;
const FOREVER_ms = 60_000;

let carrier: Ear | null = null;
const callers: Ear[] = [];
const world = useWorld(SETTINGS, async () => {
  carrier = await openEar(CARRIER_hz);
  return { carrier_media_port: carrier.port };
});
afterEach(() => {
  for (const ear of callers.splice(0)) ear.close();
});
afterAll(() => carrier?.close());

/** A call that both sides talk in from now on. */
async function talking(options: SubscriberOptions, talk_ms = FOREVER_ms) {
  const { subscriber, line } = await subscriberWithLine(world(), { rate: MICRO_PER_SECOND, ...options });
  const ear = await openEar(CALLER_hz);
  callers.push(ear);
  const call = await world().phones.call(line, '11987654321', talk_ms, ear.port);
  await waitUntil(async () => call.mediaPort() !== null, { timeout_ms: 10_000, what: 'the answer' });
  ear.speakTo(call.mediaPort() ?? 0);
  await waitUntil(async () => ear.heard(CARRIER_hz).length > 0, { timeout_ms: 5_000, what: 'both to talk' });
  return { subscriber, call, ear };
}

/** When the beeps of a call were heard, in seconds of talk by the switch's clock. */
async function beeps(subscriber_id: string, ear: Ear, hz: number) {
  const [record] = await recordsOf(world(), subscriber_id, 1);
  const answered_at_ms = record?.answered_at?.getTime() ?? Number.NaN;
  return ear.heard(hz).map(({ from_ms }) => (from_ms - answered_at_ms) / 1000);
}

async function ari(method: string, path: string): Promise<unknown> {
  const { user, ari_password } = world().access;
  const response = await fetch(`http://127.0.0.1:${world().pabx.ports.http}/ari${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${user}:${ari_password}`).toString('base64')}` },
  });
  return response.json();
}

async function channels() {
  const all = (await ari('GET', '/channels')) as { id: string }[];
  const tones = all.filter(({ id }) => isToneChannel(id));
  return { ids: all.map(({ id }) => id), tones: tones.length };
}

const noTone = () =>
  waitUntil(async () => (await channels()).tones === 0, {
    timeout_ms: 5_000,
    what: 'tones to leave nothing',
  });

/** The other end: it heard its caller to the end, and no tone. */
function expectUndisturbed(ear: Ear) {
  expect(carrier?.heard(WARNING_hz)).toEqual([]);
  expect(carrier?.heard(MONEY_hz)).toEqual([]);
  expect(carrier?.heard(CALLER_hz).length).toBeGreaterThan(0);
  // The two beeps of a warning are over when the other end is heard again without them.
  expect(ear.heard(CARRIER_hz).at(-1)?.to_ms).toBeGreaterThan(ear.heard(WARNING_hz).at(-1)?.to_ms ?? 0);
}

describe('who pays hears, and nobody else does,', () => {
  test('a warning before the cut, and another one when money came and the end is later', async () => {
    const { subscriber, call, ear } = await talking({
      billing_mode: 'PREPAID',
      balance_micros: 8n,
      warn_seconds: 4,
    });
    await waitUntil(async () => ear.heard(WARNING_hz).length > 0, { timeout_ms: 15_000, what: 'a warning' });
    const { reseller_id } = subscriber;
    const topUp = await fetch(`${world().control.url}/api/v1/subscribers/${subscriber.id}/top-ups`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await world().token({ role: 'RESELLER', reseller_id })}`,
        'content-type': 'application/json',
        'idempotency-key': 'pix-tones',
      },
      body: JSON.stringify({ amount_micros: '7', reference: 'pix' }),
    });
    expect(await topUp.json()).toEqual({ balance_micros: '15' });
    expect(await call.done).toMatchObject({ hungUpBy: 'OTHER_SIDE' });
    const [first = 0, , second = 0, , ...more] = await beeps(subscriber.id, ear, WARNING_hz);
    expect(first).toBeCloseTo(4, 0);
    expect(second).toBeCloseTo(11, 0);
    expect(more).toEqual([]);
    expectUndisturbed(ear);
    expect(ear.heard(MONEY_hz)).toEqual([]);
    await noTone();
  });

  test('a tone when money pays after minutes', async () => {
    const franquia = {
      billing_mode: 'BUNDLE',
      credit_limit_micros: 1_000n,
      bundles: { MOBILE_LOCAL: 4 },
      warn_seconds: 4,
    } as const;
    const { subscriber, call, ear } = await talking({ ...franquia, switch_tone: true }, 7_000);
    await call.done;
    const [first, ...more] = await beeps(subscriber.id, ear, MONEY_hz);
    expect(first).toBeCloseTo(4, 0);
    expect(more).toEqual([]);
    // Nothing ends: the credit is far from used up.
    expect(ear.heard(WARNING_hz)).toEqual([]);
    expectUndisturbed(ear);

    const silent = await talking({ ...franquia, switch_tone: false }, 6_000);
    await silent.call.done;
    const [record] = await recordsOf(world(), silent.subscriber.id, 1);
    expect(record).toMatchObject({ bundle_seconds: 4 });
    expect(silent.ear.heard(MONEY_hz)).toEqual([]);
  });
});

describe('a control plane that dies', () => {
  test('leaves no tone behind: not the one that plays, nor one that it had only begun', async () => {
    const { call, ear } = await talking({ billing_mode: 'PREPAID', balance_micros: 1_000n, warn_seconds: 0 });
    const [caller] = (await ari('GET', '/channels')) as { id: string; name: string }[];
    await ari('POST', `/channels/${caller?.id}/snoop/pabx-tone-begun?app=pabx&whisper=out`);
    expect((await channels()).tones).toBe(1);
    const { ear: warned } = await talking({ billing_mode: 'PREPAID', balance_micros: 30n, warn_seconds: 29 });
    await waitUntil(async () => warned.heard(WARNING_hz).length > 0, {
      timeout_ms: 5_000,
      what: 'a warning',
    });
    await world().control.kill9();
    await waitUntil(async () => (await channels()).tones === 1, {
      timeout_ms: 5_000,
      what: 'the tone to end',
    });
    await world().control.start();
    await noTone();
    expect((await channels()).ids).toContain(caller?.id);
    expect(ear.heard(CARRIER_hz).at(-1)?.to_ms).toBeGreaterThan(warned.heard(WARNING_hz)[0]?.from_ms ?? 0);
    await call.abandon();
  });
});
