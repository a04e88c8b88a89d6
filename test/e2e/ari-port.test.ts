import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type Ear, openEar } from '../../dev/world/ear.ts';
import { connectAri } from '../../src/asterisk/ari/client.ts';
import { CALL_EVENT_TYPES, type CallEvent, CONTEXTS, toCallEvent } from '../../src/asterisk/ari/events.ts';
import type { AriPort, ConnectAri } from '../../src/asterisk/ari/port.ts';
import { connectByAriClient } from '../asterisk/ari-client-adapter.ts';
import { QUICK, subscriberWithLine, useWorld } from './use-world.ts';

let carrier: Ear | null = null;
const world = useWorld(QUICK, async () => {
  carrier = await openEar(500);
  return { carrier_media_port: carrier.port };
});
afterAll(() => carrier?.close());

const ADAPTERS: [string, ConnectAri][] = [
  ['our client', connectAri],
  ['ari-client', connectByAriClient],
];

/** One suite for every adapter of the port, against the real Asterisk, without the control plane. */
describe.each(ADAPTERS)('the ARI port by %s', (_, connect) => {
  let port: AriPort | null = null;
  afterEach(async () => {
    port?.close();
    port = null;
    if (!world().control.running()) await world().control.start();
    await world().connected();
  });

  /** The adapter alone at the switch, and what it heard of. */
  async function connected() {
    const { line } = await subscriberWithLine(world(), { billing_mode: 'PREPAID' });
    await world().control.stop();
    const events: CallEvent[] = [];
    const { user, ari_password } = world().access;
    const ari = await connect({
      url: `http://127.0.0.1:${world().pabx.ports.http}`,
      user,
      password: ari_password,
      application: 'pabx',
      eventTypes: CALL_EVENT_TYPES,
      onEvent(raw) {
        const event = toCallEvent(raw);
        if (event) events.push(event);
      },
      onLost: () => {},
    });
    port = ari;
    const happened = (wanted: (event: CallEvent) => boolean, what: string) =>
      waitUntil(async () => events.some(wanted), { timeout_ms: 5_000, what });
    return { ari, line, events, happened };
  }

  test('offers a call, lets it go on at a grant, shows its channels and its end', async () => {
    const { ari, line, events, happened } = await connected();
    const call = await world().phones.call(line, '11987654321', 20_000);
    await happened((event) => event.type === 'OFFERED', 'the offer');
    const [offer] = events;
    expect(offer).toMatchObject({ type: 'OFFERED', sip_username: line.username, dialled: '11987654321' });
    const call_id = offer?.type === 'OFFERED' ? offer.call_id : '';
    expect(await ari.continueAt(call_id, CONTEXTS.grant, 'T-carrier-+5511987654321-30-20-')).toBe(true);
    await happened((event) => event.type === 'DIALLING' && event.progress === 'ANSWERED', 'the answer');

    const channels = await ari.channels();
    expect(channels.map((channel) => channel.id)).toContain(call_id);
    expect(channels.find((channel) => channel.id !== call_id)?.channelvars).toMatchObject({
      PABX_CALL: call_id,
      PABX_ANSWERED: expect.stringMatching(/^\d{13}$/),
    });
    // It left Stasis: it cannot be sent on any more, but it can be hung up.
    expect(await ari.continueAt(call_id, CONTEXTS.grant, 'T-carrier-1-1-1-')).toBe(false);
    expect(await ari.hangUp(call_id, 16)).toBe(true);
    await happened((event) => event.type === 'GONE' && event.channel_id === call_id, 'the end');
    expect(await call.done).toMatchObject({ status: 200, hungUpBy: 'OTHER_SIDE' });
    expect(await ari.hangUp(call_id, 16)).toBe(false);
    expect(await ari.channels()).toEqual([]);
  });

  test('whispers to one party of a call that left Stasis, and leaves nothing behind', async () => {
    const { ari, line, events, happened } = await connected();
    const caller = await openEar(600);
    const call = await world().phones.call(line, '11987654321', 20_000, caller.port);
    await happened((event) => event.type === 'OFFERED', 'the offer');
    const call_id = events[0]?.type === 'OFFERED' ? events[0].call_id : '';
    expect(await ari.continueAt(call_id, CONTEXTS.grant, 'T-carrier-+5511987654321-30-20-')).toBe(true);
    await happened((event) => event.type === 'DIALLING' && event.progress === 'ANSWERED', 'the answer');
    await waitUntil(async () => call.mediaPort() !== null, {
      timeout_ms: 5_000,
      what: 'the phone to hear of it',
    });
    caller.speakTo(call.mediaPort() ?? 0);
    await waitUntil(async () => caller.heard(500).length > 0, {
      timeout_ms: 5_000,
      what: 'both to hear each other',
    });

    const told_ms = Date.now();
    expect(await ari.whisper(call_id, { cadence: '!1400/200|!0/100|!1400/200', seconds: 0.8 })).toBe(true);
    await happened((event) => event.type === 'GONE', 'the end of the tone');
    const tones = caller.heard(1400);
    const [tone] = tones;
    expect(tone?.from_ms).toBeGreaterThan(told_ms - 200);
    expect(tone?.from_ms).toBeLessThan(told_ms + 1_000);
    const lasted_ms = tones.map(({ from_ms, to_ms }) => to_ms - from_ms);
    expect(lasted_ms).toEqual([expect.closeTo(200, -2), expect.closeTo(200, -2)]);
    // The two go on hearing each other, and the other end hears nothing else.
    expect(caller.heard(500).at(-1)?.to_ms).toBeGreaterThan(tones[1]?.to_ms ?? Number.POSITIVE_INFINITY);
    expect(carrier?.heard(1400)).toEqual([]);
    expect((await ari.channels()).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^PJSIP/),
      expect.stringMatching(/^PJSIP/),
    ]);
    expect(await ari.hangUp(call_id, 16)).toBe(true);
    await call.done;
    expect(await ari.whisper(call_id, { cadence: '1400/300', seconds: 0.5 })).toBe(false);
    caller.close();
  });
});

test('a wrong password is an error that says so', async () => {
  const options = {
    url: `http://127.0.0.1:${world().pabx.ports.http}`,
    user: 'pabx',
    password: 'wrong',
    application: 'other',
    eventTypes: CALL_EVENT_TYPES,
    onEvent: () => {},
    onLost: () => {},
  };
  await expect(connectAri(options)).rejects.toThrow(/401/);
});
