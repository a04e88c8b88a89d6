import http from 'node:http';
import net from 'node:net';
import { Redis } from 'ioredis';

/*
 * What people use instead of a control plane: a small service that the dialplan asks before it dials, over FastAGI or
 * HTTP. It takes a slot of one limit by a script and knows nothing of the rest of the call.
 * Arguments: port of FastAGI, port of HTTP, URL of Redis.
 */

const [agi_port = '', http_port = '', redis_url = ''] = process.argv.slice(2);

const TAKE = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2] + 10000, ARGV[1])
return 1`;
const LIMIT = 10_000;

const redis = new Redis(redis_url);
redis.defineCommand('take', { lua: TAKE, numberOfKeys: 1 });
const take = Reflect.get(redis, 'take') as (...args: unknown[]) => Promise<number>;

async function decide(call: string): Promise<'GO' | 'NO'> {
  return (await take.call(redis, 'bench:slots', call, Date.now(), LIMIT)) === 1 ? 'GO' : 'NO';
}

/** Asterisk sends what it knows, an empty line, and then answers each command with a line. */
function serveAgi(socket: net.Socket): void {
  let known = '';
  let asked = false;
  socket.setEncoding('utf8').on('error', () => socket.destroy());
  socket.on('data', async (text: string) => {
    known += text;
    if (asked) return void socket.end();
    if (!known.includes('\n\n')) return;
    asked = true;
    const call = /^agi_uniqueid: (.*)$/m.exec(known)?.[1] ?? '';
    socket.write(`SET VARIABLE BENCH_DECISION ${await decide(call)}\n`);
  });
}

net.createServer(serveAgi).listen(Number(agi_port), '127.0.0.1');
http
  .createServer(async (request, response) => {
    const call = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('call') ?? '';
    response.end(await decide(call));
  })
  .listen(Number(http_port), '127.0.0.1', () => console.log('ready'));
