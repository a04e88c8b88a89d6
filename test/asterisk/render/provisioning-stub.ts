import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitUntil } from '../../../dev/services/process.ts';
import { revisionOf } from '../../../src/asterisk/revision.ts';

export interface Acknowledgement {
  readonly hash: string;
  readonly text: string;
}

/** The provisioning side of a control plane, which a test can make lie. */
export interface ProvisioningStub {
  readonly url: string;
  token: string;
  /** Has `files` pulled from now on; wakes who waits. Gives the hash. */
  publish(files: Readonly<Record<string, string>>): string;
  /** Publishes a manifest of the test's own under a hash of its own. */
  publishManifest(hash: string, manifest: string): void;
  /** What is sent instead of a file. */
  readonly tampered: Map<string, string>;
  readonly acknowledgements: Acknowledgement[];
  /** Method and path of every request, and what it knew: `GET /… "<hash>"`. */
  readonly requests: string[];
  /** Waits for an acknowledgement that passes. */
  acknowledged(what: string, condition: (last: Acknowledgement) => boolean): Promise<Acknowledgement>;
  close(): Promise<void>;
}

export async function startProvisioningStub(port = 0): Promise<ProvisioningStub> {
  const tampered = new Map<string, string>();
  const acknowledgements: Acknowledgement[] = [];
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  const revisions = new Map<string, { manifest: string; files: Readonly<Record<string, string>> }>();
  let current = '';
  const publish = (hash: string, manifest: string, files: Readonly<Record<string, string>>) => {
    // What was told of an earlier one would pass for an answer to this one.
    acknowledgements.length = 0;
    revisions.set(hash, { manifest, files });
    current = hash;
    for (const wake of waiting) wake();
  };

  async function longPoll(known: string, seconds: number): Promise<void> {
    if (known !== `"${current}"` || seconds === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      timer = setTimeout(resolve, seconds * 1000);
    });
    clearTimeout(timer);
    waiting.clear();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const known = request.headers['if-none-match'] ?? '';
    requests.push(`${request.method} ${request.url} ${known}`.trimEnd());
    const send = (status: number, body = '', headers = {}) =>
      response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
    if (request.headers.authorization !== `Bearer ${stub.token}`) return void send(401);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://stub');
    if (pathname === '/provisioning/v1/revision') {
      await longPoll(known, Number(searchParams.get('wait')));
      const headers = { etag: `"${current}"` };
      if (known === `"${current}"`) return void send(304, '', headers);
      return void send(200, revisions.get(current)?.manifest, headers);
    }
    const [, hash = '', name = ''] = /^\/provisioning\/v1\/revisions\/(\w+)\/([\w.-]+)$/.exec(pathname) ?? [];
    if (request.method === 'PUT' && name === 'acknowledgement') {
      acknowledgements.push({ hash, text: await textOf(request) });
      return void send(204);
    }
    const text = tampered.get(name) ?? revisions.get(hash)?.files[name];
    send(text === undefined ? 404 : 200, text);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stub: ProvisioningStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'token-of-srv1',
    publish: (files) => {
      const { hash, manifest } = revisionOf(files);
      publish(hash, manifest, files);
      return hash;
    },
    publishManifest: (hash, manifest) => publish(hash, manifest, {}),
    tampered,
    acknowledgements,
    requests,
    acknowledged: async (what, condition) => {
      const found = () => acknowledgements.findLast(condition);
      await waitUntil(() => found() !== undefined, { timeout_ms: 20_000, what });
      return found() as Acknowledgement;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return stub;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
