import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureDebianPackages } from '../../../dev/services/apt.ts';
import { findProgram } from '../../../dev/services/command.ts';
import { freePort } from '../../../dev/services/ports.ts';
import {
  isAlive,
  MINIMAL_ENV,
  type ProcessHandle,
  startProcess,
  waitUntil,
} from '../../../dev/services/process.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { type ProvisioningStub, startProvisioningStub } from './provisioning-stub.ts';
import { lineRow, serverRows } from './rows.ts';

/* The pull script against a stub of the control plane and a stand-in for Asterisk; pull-asterisk.test.ts has a real one. */

const SCRIPTS = join(import.meta.dirname, '../../../asterisk-config');
const NAMES = Object.keys(renderServer(serverRows()).files).sort();
let dir: string;
let etc: string;
let stub: ProvisioningStub;
let puller: ProcessHandle | undefined;

beforeAll(async () => {
  if ((await findProgram('curl')) === null) await ensureDebianPackages(['curl', 'ca-certificates'], 'curl');
}, 900_000);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pull-test-'));
  etc = join(dir, 'etc');
  mkdirSync(join(etc, 'revisions/none'), { recursive: true });
  for (const name of NAMES) writeFileSync(join(etc, 'revisions/none', name), '');
  symlinkSync('revisions/none', join(etc, 'current'));
  cpSync(join(import.meta.dirname, 'fake-asterisk.sh'), join(dir, 'fake-asterisk.sh'));
  stub = await startProvisioningStub();
  writeFileSync(join(dir, 'token'), `${stub.token}\n`);
});

afterEach(async () => {
  await puller?.stop();
  puller = undefined;
  await stub.close();
  rmSync(dir, { recursive: true });
});

const environment = (): Record<string, string> => ({
  ...MINIMAL_ENV,
  PABX_URL: stub.url,
  PABX_TOKEN_FILE: join(dir, 'token'),
  PABX_ETC: etc,
  PABX_ASTERISK_RX: `sh ${join(dir, 'fake-asterisk.sh')} ${dir} ${etc}`,
});
const pull = () => {
  const args = [join(SCRIPTS, 'pull.sh')];
  puller = startProcess({
    name: 'pull.sh',
    command: 'sh',
    args,
    env: environment(),
    logFile: join(dir, 'log'),
  });
  return puller;
};
const pullOnce = (changes: Record<string, string> = {}) => {
  const env = { ...environment(), ...changes };
  // Not the synchronous one: the stub answers from this very process.
  const args = [join(SCRIPTS, 'pull.sh'), '--once'];
  return startProcess({ name: 'pull.sh', command: 'sh', args, env, logFile: join(dir, 'log') }).exited;
};
const files = (name = 'Ana') => renderServer(serverRows({ lines: [lineRow({ name })] })).files;
const tell = (name: string) => writeFileSync(join(dir, name), '');
const current = () => readlinkSync(join(etc, 'current')).replace('revisions/', '');
const read = (path: string) => (existsSync(join(dir, path)) ? readFileSync(join(dir, path), 'utf8') : '');
const reloads = () => read('cli.log').match(/^module reload .*$/gm) ?? [];
const running = (hash: string) =>
  stub.acknowledged('the acknowledgement', (last) => last.hash === hash && last.text === '');
const logged = (text: string) =>
  waitUntil(() => read('log').includes(text), { timeout_ms: 20_000, what: `'${text}' in the log` });

test('a first revision is put in place without a running Asterisk', async () => {
  tell('down');
  const hash = stub.publish(files());
  expect(await pullOnce()).toEqual({ code: 0, signal: null });
  expect(current()).toBe(hash);
  for (const [name, text] of Object.entries(files())) expect(read(`etc/current/${name}`)).toBe(text);
  expect(stub.acknowledgements).toEqual([]);
  expect(stub.requests.some((request) => /wait=[1-9]/.test(request))).toBe(false);
});

test('a change is live at once, and only what changed is reloaded', async () => {
  const first = stub.publish(files());
  pull();
  await running(first);
  const before = reloads().length;
  const second = stub.publish(files('Bia'));
  await running(second);
  expect(reloads().slice(before)).toEqual(['module reload res_pjsip.so']);
  const lines = [lineRow(), lineRow({ sip_username: 'phone2', extension: '202' })];
  const third = stub.publish(renderServer(serverRows({ lines })).files);
  await running(third);
  expect(reloads().slice(before + 1)).toEqual(['module reload pbx_config.so', 'module reload res_pjsip.so']);
  const ami = { user: 'pabx', password: 'another-password-of-its-own' };
  await running(stub.publish(renderServer(serverRows({ lines, ami })).files));
  expect(reloads().slice(before + 3)).toEqual(['module reload manager']);
  const ari = { user: 'pabx', password: 'another-password-of-its-own' };
  await running(stub.publish(renderServer(serverRows({ lines, ami, ari })).files));
  expect(reloads().slice(before + 4)).toEqual(['module reload res_ari.so']);
});

test('only the last three revisions are kept', async () => {
  pull();
  const hashes: string[] = [];
  for (const name of ['A', 'B', 'C', 'D', 'E']) {
    const hash = stub.publish(files(name));
    hashes.push(hash);
    await running(hash);
  }
  const kept = () => readdirSync(join(etc, 'revisions')).filter((name) => /^[0-9a-f]{64}$/.test(name));
  await waitUntil(() => kept().length === 3, { timeout_ms: 5000, what: 'three revisions' });
  expect(kept().sort()).toEqual(hashes.slice(2).sort());
});

test('a wrong token changes nothing, is never shown, and can be mended', async () => {
  writeFileSync(join(dir, 'token'), 'secret-but-wrong');
  const hash = stub.publish(files());
  expect((await pullOnce()).code).toBe(1);
  pull();
  await logged('refuses the token');
  expect(current()).toBe('none');
  expect(read('log')).not.toContain('secret-but-wrong');
  writeFileSync(join(dir, 'token'), stub.token);
  await running(hash);
});

test('the token is on nobody’s command line while it waits', async () => {
  const hash = stub.publish(files());
  const { pid } = pull();
  await running(hash);
  const commandLines = () =>
    spawnSync('ps', ['-e', '-o', 'ppid=,args='], { encoding: 'utf8' }).stdout.split('\n');
  const ofPuller = () => commandLines().filter((line) => Number(line.trim().split(' ')[0]) === pid);
  await waitUntil(() => ofPuller().some((line) => line.includes('wait=25')), {
    timeout_ms: 5000,
    what: 'curl',
  });
  expect(commandLines().filter((line) => line.includes(stub.token))).toEqual([]);
});

test.each([
  [
    'a file',
    () => stub.tampered.set('pjsip-lines.conf', '[evil](pabx-line)\n'),
    'pjsip-lines.conf does not match',
  ],
  ['nothing at all', () => stub.tampered.set('pjsip-lines.conf', ''), 'pjsip-lines.conf does not match'],
])('%s instead of what the manifest says is not taken', async (_what, tamper, words) => {
  const hash = stub.publish(files());
  tamper();
  pull();
  expect((await stub.acknowledged('the complaint', ({ text }) => text !== '')).text).toContain(words);
  expect(current()).toBe('none');
  stub.tampered.clear();
  await running(hash);
});

const HASH = 'a'.repeat(64);
const manifestOf = (names: readonly string[]) => names.map((name) => `${HASH}  ${name}\n`).join('');

test.each([
  ['a name outside its folder', [...NAMES.slice(1), '../../evil.conf']],
  ['one file more', [...NAMES, 'extensions.conf']],
  ['one file less', NAMES.slice(1)],
  ['a file twice', [...NAMES, NAMES[5] as string]],
  ['a name with a space', ['ari users.conf', ...NAMES.slice(1)]],
])('a manifest with %s is not taken', async (_what, names) => {
  const manifest = manifestOf(names);
  const { createHash } = await import('node:crypto');
  stub.publishManifest(createHash('sha256').update(manifest).digest('hex'), manifest);
  pull();
  const { text } = await stub.acknowledged('the complaint', (last) => last.text !== '');
  expect(text).toContain('does not list exactly');
  expect([current(), stub.requests.filter((request) => /GET .*conf/.test(request))]).toEqual(['none', []]);
});

test('a manifest that is not the one its ETag names is not taken', async () => {
  stub.publishManifest(HASH, manifestOf(NAMES));
  pull();
  const { hash, text } = await stub.acknowledged('the complaint', (last) => last.text !== '');
  expect([hash, text]).toEqual([HASH, `the manifest does not match its hash ${HASH}`]);
  expect(current()).toBe('none');
});

test('a failing reload puts the last good revision back', async () => {
  const good = stub.publish(files());
  pull();
  await running(good);
  const bad = stub.publish({ ...files(), 'dialplan-calls.conf': '; REFUSE\n' });
  const { text } = await stub.acknowledged('the complaint', ({ hash }) => hash === bad);
  expect(text).toBe("module reload pbx_config.so: The module 'pbx_config.so' reported a reload failure");
  expect(current()).toBe(good);
  // And waits for another one instead of trying the same again and again.
  await waitUntil(() => stub.requests.at(-1)?.endsWith(`wait=25 "${bad}"`) ?? false, {
    timeout_ms: 5000,
    what: 'the poll',
  });
  const before = reloads().length;
  await running(stub.publish(files('Bia')));
  expect(reloads().slice(before)).toEqual(['module reload res_pjsip.so']);
});

test('an object that Asterisk silently left out does so too', async () => {
  const good = stub.publish(files());
  pull();
  await running(good);
  writeFileSync(join(dir, 'lost'), 'phone2');
  const lines = [lineRow(), lineRow({ sip_username: 'phone2', extension: '202' })];
  const bad = stub.publish(renderServer(serverRows({ lines })).files);
  const { text } = await stub.acknowledged('the complaint', ({ hash }) => hash === bad);
  expect(text).toBe('Asterisk did not take: endpoint phone2');
  expect(current()).toBe(good);
});

test('after a refused revision the good one is acknowledged when it is wanted again', async () => {
  const good = stub.publish(files());
  pull();
  await running(good);
  const bad = stub.publish({ ...files(), 'dialplan-calls.conf': '; REFUSE\n' });
  await stub.acknowledged('the complaint', ({ hash }) => hash === bad);
  stub.acknowledgements.length = 0;
  stub.publish(files());
  await running(good);
});

test('a line that was removed and is still there is a failure', async () => {
  const good = stub.publish(files());
  pull();
  await running(good);
  // Lists phone1 whatever the files say.
  writeFileSync(
    join(dir, 'fake-asterisk.sh'),
    `${read('fake-asterisk.sh')}\necho ' Endpoint:  phone1/201'\n`,
  );
  const bad = stub.publish(renderServer(serverRows({ lines: [] })).files);
  const { text } = await stub.acknowledged('the complaint', ({ hash }) => hash === bad);
  expect(text).toContain('did not let go of: endpoint phone1');
});

test('a reload during a reload is tried again', async () => {
  const good = stub.publish(files());
  pull();
  await running(good);
  const before = reloads().length;
  tell('busy');
  await running(stub.publish(files('Bia')));
  expect(reloads().slice(before)).toEqual(Array(2).fill('module reload res_pjsip.so'));
});

test('while Asterisk is away the latest revision waits for it', async () => {
  tell('down');
  const first = stub.publish(files());
  pull();
  const { text } = await stub.acknowledged('the complaint', ({ hash }) => hash === first);
  expect(text).toContain('Asterisk does not answer');
  const second = stub.publish(files('Bia'));
  await waitUntil(() => current() === second, { timeout_ms: 20_000, what: 'the second one' });
  rmSync(join(dir, 'down'));
  await running(second);
});

test('one that was killed between swap and reload finishes when it starts', async () => {
  const first = stub.publish(files());
  pull();
  await running(first);
  puller?.kill('SIGKILL');
  await puller?.exited;
  const second = stub.publish(files('Bia'));
  tell('down');
  await pullOnce();
  expect(current()).toBe(second);
  rmSync(join(dir, 'down'));
  const before = reloads().length;
  pull();
  await running(second);
  expect(reloads().slice(before)).toEqual(['module reload res_pjsip.so']);
});

test('a control plane that is away is waited for', { timeout: 40_000 }, async () => {
  const hash = stub.publish(files());
  pull();
  await running(hash);
  const port = Number(new URL(stub.url).port);
  await stub.close();
  await logged('no answer from');
  stub = await startProvisioningStub(port);
  await running(stub.publish(files('Bia')));
  expect(read('log').match(/no answer from/g)).toHaveLength(1);
});

test('TERM ends it at once, and its curl', async () => {
  const hash = stub.publish(files());
  const { pid, exited } = pull();
  await running(hash);
  const children = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const curl = () => children().find((child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'curl\n');
  await waitUntil(() => (stub.requests.at(-1)?.includes('wait=25') ?? false) && curl() !== undefined, {
    timeout_ms: 5000,
    what: 'curl',
  });
  const child = curl() as number;
  const asked_ms = Date.now();
  puller?.kill('SIGTERM');
  expect((await exited).code).toBe(143);
  expect(Date.now() - asked_ms).toBeLessThan(1000);
  await waitUntil(() => !isAlive(child), { timeout_ms: 1000, what: 'curl to end' });
  expect(readdirSync(join(etc, 'revisions')).filter((name) => name.startsWith('.'))).toEqual([]);
});

test.each([
  ['http://control.example', 'must start with https'],
  ['http://127.0.0.1.evil.example', 'must start with https'],
  ['ftp://control.example', 'must start with https'],
  ['http://127.0.0.1:80@evil.example', 'must not name a user'],
])('a token does not travel to %s', async (url, words) => {
  expect((await pullOnce({ PABX_URL: url })).code).toBe(1);
  expect(read('log')).toContain(words);
});

test('nobody listening is an end for a single pull', async () => {
  expect((await pullOnce({ PABX_URL: `http://127.0.0.1:${await freePort()}` })).code).toBe(1);
  expect(read('log')).toContain('no answer from');
});
