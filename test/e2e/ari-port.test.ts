import { afterEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { connectAri } from '../../src/asterisk/ari/client.ts';
import { CALL_EVENT_TYPES, type CallEvent, CONTEXTS, toCallEvent } from '../../src/asterisk/ari/events.ts';
import type { AriPort, ConnectAri } from '../../src/asterisk/ari/port.ts';
import { connectByAriClient } from '../asterisk/ari-client-adapter.ts';
import { subscriberWithLine, useWorld } from './use-world.ts';

const world = useWorld();

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

  test('offers a call, lets it go on at a grant, shows its channels and its end', async () => {
    const { line } = await subscriberWithLine(world(), { billing_mode: 'PREPAID' });
    await world().control.stop();
    const events: CallEvent[] = [];
    const { user, ari_password } = world().access;
    port = await connect({
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
    const ari = port;
    const happened = (wanted: (event: CallEvent) => boolean, what: string) =>
      waitUntil(async () => events.some(wanted), { timeout_ms: 5_000, what });

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
