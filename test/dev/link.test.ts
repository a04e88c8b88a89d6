import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../dev/services/process.ts';
import { type Link, startLink } from '../../dev/world/link.ts';

/** A server that says everything back. */
const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
let link: Link;
let client: Socket;
let heard = '';

async function dial(): Promise<void> {
  const { port } = new URL(link.url);
  client = connect(Number(port), '127.0.0.1');
  client.on('error', () => {});
  client.on('data', (data) => {
    heard += data;
  });
  await once(client, 'connect');
}
const hears = (text: string) =>
  waitUntil(() => heard === text, { timeout_ms: 2_000, what: `the client to hear ${text}` });

beforeEach(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  link = await startLink(`tcp://127.0.0.1:${port}`);
  heard = '';
  await dial();
});
afterEach(async () => {
  client.destroy();
  link.close();
  await new Promise((resolve) => server.close(resolve));
});

test('a silent link carries nothing and stays open; what was sent comes when it is restored', async () => {
  client.write('a');
  await hears('a');
  link.silence();
  client.write('b');
  await dial();
  client.write('c');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toBe('a');
  link.restore();
  await waitUntil(() => heard.length === 3, { timeout_ms: 2_000, what: 'what was sent meanwhile' });
  expect([...heard].sort().join('')).toBe('abc');
});

test('a link that is cut breaks connections and takes none until it is restored', async () => {
  link.cut();
  await once(client, 'close');
  await dial();
  await once(client, 'close');
  link.restore();
  await dial();
  client.write('d');
  await hears('d');
});
