import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningAsterisk } from '../../../dev/services/asterisk.ts';
import { inChroot } from '../../../dev/services/chroot.ts';
import { type ProcessHandle, startProcess } from '../../../dev/services/process.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { placeCall } from './phones.ts';
import { type ProvisioningStub, startProvisioningStub } from './provisioning-stub.ts';
import { type InstalledAsterisk, installedAsterisk } from './real-asterisk.ts';
import { lineRow, SIP_PASSWORD, serverRows } from './rows.ts';

/* As a server joins: install.sh, one pull, Asterisk, the pull script for ever. Each test goes on from the one before. */

let installed: InstalledAsterisk;
let stub: ProvisioningStub;
let asterisk: RunningAsterisk;
let puller: ProcessHandle;

const first = lineRow();
const second = lineRow({ sip_username: 'phone2', extension: '202' });
const filesOf = (...lines: ReturnType<typeof lineRow>[]) => renderServer(serverRows({ lines })).files;
const endpoint = (name: string) => asterisk.rx(`pjsip show endpoint ${name}`);
const running = (hash: string) =>
  stub.acknowledged('the acknowledgement', (last) => last.hash === hash && last.text === '');

beforeAll(async () => {
  installed = await installedAsterisk('pull');
  stub = await startProvisioningStub();
  writeFileSync(join(installed.etc, 'token'), stub.token);
  stub.publish(filesOf(first));
}, 900_000);

afterAll(async () => {
  await puller?.stop();
  await asterisk?.stop();
  await stub?.close();
  installed?.instance.remove();
});

function pullCommand(...args: string[]): [command: string, args: string[]] {
  const { etcInside, root } = installed;
  const settings = [`PABX_ETC=${etcInside}`, `PABX_TOKEN_FILE=${etcInside}/token`, `PABX_URL=${stub.url}`];
  const command = [...settings, 'sh', join(etcInside, 'asterisk-config/pull.sh'), ...args];
  return root.kind === 'chroot' ? inChroot(root.root, 'env', command) : ['env', command];
}

test('the first pull is what Asterisk starts with', async () => {
  const [command, args] = pullCommand('--once');
  const logFile = join(installed.etc, 'pull.log');
  const once = startProcess({ name: 'pull.sh', command, args, logFile });
  expect(await once.exited).toEqual({ code: 0, signal: null });
  asterisk = await installed.instance.start();
  expect(await endpoint('phone1')).toContain('"Recepção" <201>');
});

test('what runs is acknowledged when the script starts', async () => {
  const [command, args] = pullCommand();
  puller = startProcess({ name: 'pull.sh', command, args, logFile: join(installed.etc, 'pull.log') });
  await running(readlinkSync(join(installed.etc, 'current')).replace('revisions/', ''));
});

test('a new line is there within seconds, with its number', async () => {
  const from_ms = Date.now();
  await running(stub.publish(filesOf(first, second)));
  expect(Date.now() - from_ms).toBeLessThan(10_000);
  expect(await endpoint('phone2')).toContain('<202>');
  expect(await asterisk.rx(`dialplan show 202@from-${second.subscriber_id}`)).toContain('L-phone2-202');
});

test('a line that was removed can neither call nor be called', async () => {
  await running(stub.publish(filesOf(first)));
  expect(await endpoint('phone2')).toContain('Unable to find object phone2');
  expect(await asterisk.rx(`dialplan show 202@from-${second.subscriber_id}`)).not.toContain('L-phone2-202');
  const shop = { dir: join(installed.etc, 'state'), asteriskPort: installed.ports.sip };
  const call = await placeCall(shop, { user: 'phone2', password: SIP_PASSWORD }, '201');
  expect(await call.final()).toBe(401);
});

test.each([
  [
    'an endpoint that Asterisk cannot make',
    'pjsip-lines.conf',
    '[phone1](pabx-line)\nnonsense=yes\n',
    "category 'phone1' named 'nonsense'",
  ],
  ['an unknown template', 'pjsip-lines.conf', '[phone9](pabx-none)\n', "category 'pabx-none' does not exist"],
  ['a dialplan line of no meaning', 'dialplan-calls.conf', '[x]\nexten => 1,Bad\n', 'lines of the dialplan'],
])('%s brings the last good revision back', async (_what, name, text, words) => {
  const good = readlinkSync(join(installed.etc, 'current'));
  const broken = name === 'pjsip-lines.conf' ? text : `${filesOf(first)[name]}${text}`;
  const bad = stub.publish({ ...filesOf(first, second), [name]: broken });
  const { text: complaint } = await stub.acknowledged('the complaint', ({ hash }) => hash === bad);
  expect(complaint).toContain(words);
  expect(readlinkSync(join(installed.etc, 'current'))).toBe(good);
  expect(await endpoint('phone1')).toContain('"Recepção" <201>');
  expect(await asterisk.rx('dialplan show 190@pabx-emergency')).toContain('E-carrier-190');
});

test('and the next good one is taken', async () => {
  await running(stub.publish(filesOf(first, second)));
  expect(await endpoint('phone2')).toContain('<202>');
});

test('a restart of Asterisk comes up with what was running', { timeout: 60_000 }, async () => {
  await asterisk.kill9();
  asterisk = await installed.instance.start();
  expect(await endpoint('phone2')).toContain('<202>');
  await running(stub.publish(filesOf(first)));
});
