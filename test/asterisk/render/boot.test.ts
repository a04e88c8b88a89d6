import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningAsterisk } from '../../../dev/services/asterisk.ts';
import { displayName } from '../../../src/asterisk/render/quote.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { connectManager } from './control.ts';
import { HOSTILE_NAMES } from './hostile-names.ts';
import { placeCall } from './phones.ts';
import { type InstalledAsterisk, install, installedAsterisk } from './real-asterisk.ts';
import { lineRow, PASSWORD, SIP_PASSWORD, SUBSCRIBER, serverRows, trunkRow } from './rows.ts';

/* Rendered and static configuration together, in a real Asterisk: it takes all of it, in silence and as it is meant. */

let installed: InstalledAsterisk;
let asterisk: RunningAsterisk;

const lines = HOSTILE_NAMES.map(([name], index) =>
  lineRow({ sip_username: `hostile${index}`, extension: String(300 + index), name }),
);
const trunks = [trunkRow({ code: 'carrier' }), trunkRow({ code: 'carrier6', host: '::1', port: 15_061 })];
const rendered = renderServer(serverRows({ lines, trunks }));

beforeAll(async () => {
  installed = await installedAsterisk('boot');
  installed.place(rendered.files);
  asterisk = await installed.instance.start();
}, 900_000);

afterAll(async () => {
  await asterisk?.stop();
  installed?.instance.remove();
});

/** Nothing is on this list today. A line that must be accepted gets a reason here. */
const ACCEPTED: readonly RegExp[] = [];
const complaints = () =>
  installed
    .log()
    .split('\n')
    .filter((line) => /\b(WARNING|ERROR)\[/.test(line) && !ACCEPTED.some((pattern) => pattern.test(line)));

test('it boots without a warning', () => {
  expect(rendered.problems).toEqual([]);
  expect(complaints()).toEqual([]);
});

test('it takes every object and every line of the dialplan', async () => {
  const count = async (command: string) =>
    Number(/Objects found: (\d+)/.exec(await asterisk.rx(command))?.[1]);
  expect(await count('pjsip list endpoints')).toBe(lines.length + trunks.length);
  expect(await count('pjsip list auths')).toBe(lines.length);
  expect(await count('pjsip list aors')).toBe(lines.length + trunks.length);
  expect(await count('pjsip list identifies')).toBe(trunks.length);
  const dialplan =
    rendered.files['dialplan-calls.conf'] + (rendered.files['dialplan-subscribers.conf'] ?? '');
  const wanted = dialplan.match(/^(exten| same) /gm)?.length;
  expect(await asterisk.rx('dialplan show')).toContain(`(${wanted} priorities)`);
});

test('it runs under the name and identity that it was installed with', async () => {
  const settings = await asterisk.rx('core show settings');
  expect(settings).toMatch(/System name:\s+srv1/);
  expect(settings).toMatch(/Entity ID:\s+02:/);
});

describe('a hostile name', () => {
  test.each(HOSTILE_NAMES.map(([typed], index) => [index, typed.slice(0, 20)] as const))(
    '%i is only a name',
    async (index) => {
      const [typed] = HOSTILE_NAMES[index] ?? [''];
      const endpoint = await asterisk.rx(`pjsip show endpoint hostile${index}`);
      const setting = (name: string) => new RegExp(`^ ${name} +: (.*)$`, 'm').exec(endpoint)?.[1];
      const name = displayName(typed);
      expect(setting('callerid')).toBe(name === '' ? `${300 + index}` : `"${name}" <${300 + index}>`);
      expect(setting('context')).toBe(`from-${SUBSCRIBER}`);
      expect(setting('trust_id_inbound')).toBe('false');
      expect(setting('identify_by')).toBe('username');
    },
  );

  test('is nowhere in the dialplan, where it could be evaluated', async () => {
    const dialplan = await asterisk.rx('dialplan show');
    expect(dialplan).not.toMatch(/SHELL|evil|passwd|Maria/);
    expect(dialplan).toContain(`[ Context 'internal-${SUBSCRIBER}'`);
  });
});

describe('the manager interface', () => {
  test('lets the control plane do what it needs, and nothing else', async () => {
    const manager = await connectManager(installed.ports.ami, PASSWORD);
    const answer = async (name: string, fields = {}) =>
      /^Response: (.*)\r$/m.exec(await manager.action(name, fields))?.[1];
    expect(await answer('Ping')).toBe('Success');
    expect(await answer('DBGetTree', { Family: 'pabx' })).toBe('Success');
    const rest = [
      'Command',
      'Originate',
      'GetConfig',
      'UpdateConfig',
      'UserEvent',
      'DialplanExtensionAdd',
      'SIPpeers',
    ];
    for (const name of rest)
      expect([name, await answer(name, { Command: 'core show uptime' })]).toEqual([name, 'Error']);
    const shell = { Variable: 'SHELL(id)', Value: 'x' };
    expect(await answer('Setvar', shell)).toBe('Error');
    manager.close();
  });

  test('refuses a wrong password', async () => {
    await expect(connectManager(installed.ports.ami, 'wrong-password-of-somebody')).rejects.toThrow(
      'Authentication failed',
    );
  });
});

test('nothing but SIP listens beyond the machine', async () => {
  const listening = readFileSync(`/proc/${asterisk.pid}/net/tcp`, 'utf8').split('\n');
  const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  for (const number of [installed.ports.http, installed.ports.ami]) {
    const own = listening.filter((line) => new RegExp(`^\\s*\\d+: \\w+:${port(number)} .{13} 0A`).test(line));
    expect(own.map((line) => line.trim().split(/[\s:]+/)[1])).toEqual(['0100007F']);
  }
});

describe('who calls', () => {
  const call = (user: string, password: string, dialled = '190') => {
    const shop = { dir: join(installed.etc, 'state'), asteriskPort: installed.ports.sip };
    return placeCall(shop, { user, password }, dialled, { hangUpAfter_ms: 50 });
  };

  test.each(['carrier', 'carrier6', 'nobody1', 'pabx-line', 'pabx-trunk'])(
    'as %s is asked for a password',
    async (user) => {
      const placed = await call(user, SIP_PASSWORD);
      await placed.final();
      expect(placed.messages()).toMatch(/^SIP\/2\.0 401 /m);
      expect(placed.messages()).not.toMatch(/^SIP\/2\.0 (1[08]\d|2\d\d|404) /m);
    },
  );

  test('with a wrong password does not come through', async () => {
    const placed = await call('hostile0', 'wrong');
    expect(await placed.final()).toBe(401);
  });
});

describe('the installer', () => {
  test('can be repeated, and leaves what was pulled alone', async () => {
    const before = readFileSync(join(installed.etc, 'pjsip.conf'), 'utf8');
    await install(installed);
    expect(readFileSync(join(installed.etc, 'pjsip.conf'), 'utf8')).toBe(before);
    expect(before).not.toContain('@');
    expect(readFileSync(join(installed.etc, 'current/pjsip-lines.conf'), 'utf8')).toContain('[hostile0]');
    expect(statSync(join(installed.etc, 'current/pjsip-lines.conf')).isFile()).toBe(true);
  });

  test.each([
    ['PABX_SERVER_NAME', 'srv 1'],
    ['PABX_SERVER_NAME', ''],
    ['PABX_SERVER_NAME', 'srv1\nlive_dangerously = yes'],
    ['PABX_ETC', 'etc/asterisk'],
    ['PABX_STATE_DIR', '/var/|w /tmp/x'],
    ['PABX_SIP_BIND', '0.0.0.0'],
    ['PABX_MEDIA_ADDRESS', 'media.example;x'],
    ['PABX_HTTP_PORT', '70000'],
    ['PABX_AMI_PORT', '5038;'],
    ['PABX_RTP_END', '1000'],
  ])('refuses %s=%j and names it', async (name, value) => {
    const before = readFileSync(join(installed.etc, 'asterisk.conf'), 'utf8');
    await expect(install(installed, { [name]: value })).rejects.toThrow(name);
    expect(readFileSync(join(installed.etc, 'asterisk.conf'), 'utf8')).toBe(before);
  });
});

test('before the first pull it boots with nothing', { timeout: 120_000 }, async () => {
  const empty = await installedAsterisk('boot-empty');
  const running = await empty.instance.start();
  expect(empty.log()).not.toMatch(/\b(WARNING|ERROR)\[/);
  expect(await running.rx('pjsip list endpoints')).toContain('No objects found');
  await running.stop();
  empty.instance.remove();
});
