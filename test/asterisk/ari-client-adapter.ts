import ari from 'ari-client';
import type { AriChannel, ConnectAri } from '../../src/asterisk/ari/port.ts';
import { createStarts, newToneChannel } from '../../src/asterisk/ari/whisper.ts';

/** The library answers refusals with an error whose message is the body of the answer. */
async function happened(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (/not found|not in stasis/i.test((error as Error).message)) return false;
    throw error;
  }
}

/** The port of call control on ari-client: proof that ours keeps to what any ARI client can do. */
export const connectByAriClient: ConnectAri = async (options) => {
  const client = await ari.connect(options.url, options.user, options.password);
  const starts = createStarts();
  const hear = (event: unknown) => {
    if (!starts.hear(event)) options.onEvent(event);
  };
  for (const type of options.eventTypes) client.on(type, hear);
  client.on('WebSocketMaxRetries', () => options.onLost(new Error('gave up')));
  await client.start(options.application, true);
  const allowed = [...options.eventTypes, 'ChannelUserevent'].map((type) => ({ type }));
  await client.applications.filter({ applicationName: options.application, filter: { allowed } });
  return {
    channels: async () => (await client.channels.list()) as AriChannel[],
    continueAt: (channelId, context, extension) =>
      happened(client.channels.continueInDialplan({ channelId, context, extension, priority: 1 })),
    hangUp: (channelId, q850) => happened(client.channels.hangup({ channelId, reason_code: String(q850) })),
    async whisper(channelId, { cadence, seconds }) {
      const tone_id = newToneChannel();
      const began = starts.of(tone_id);
      const app = options.application;
      const snoop = client.channels.snoopChannelWithId({ channelId, snoopId: tone_id, app, whisper: 'out' });
      if (!(await happened(snoop)) || !(await began)) return false;
      const tone = { channelId: tone_id, variable: 'TIMEOUT(absolute)', value: seconds.toFixed(3) };
      await client.channels.setChannelVar(tone);
      return happened(client.channels.play({ channelId: tone_id, media: `tone:${cadence}` }));
    },
    isListening: () => {
      const heard = new Promise<boolean>((resolve) => {
        client.once('ChannelUserevent', () => resolve(true));
        setTimeout(resolve, 1_000, false);
      });
      return client.events
        .userEvent({ eventName: 'listening', application: options.application })
        .then(() => heard);
    },
    close: () => client.stop(),
  };
};
