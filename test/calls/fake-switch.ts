import type { AmiMessage } from '../../src/asterisk/ami/connection.ts';
import type { Switch } from '../../src/asterisk/session.ts';

/** A switch that only remembers what it is told, and when, in seconds of talk. */
export function fakeSwitch(answered_ms: () => number) {
  const told: { readonly at: number; readonly what: string; readonly value: number | string }[] = [];
  const note = (what: string, value: number | string) =>
    told.push({ at: (performance.now() - answered_ms()) / 1000, what, value });
  const link = {
    server_id: 'server-1',
    name: 'fake',
    ari: {
      async hangUp(_: string, q850: number) {
        note('hang up', q850);
        return true;
      },
    },
    ami: {
      async send(action: Readonly<Record<string, string>>): Promise<AmiMessage> {
        note(action.Variable ?? '', action.Value ?? '');
        return { response: 'Success' };
      },
    },
  } as unknown as Switch;
  return { link, told };
}
