import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededLine } from '../../src/admin/seed.ts';
import { ServiceFailedError } from '../services/errors.ts';
import { freePort } from '../services/ports.ts';
import { startSipp } from '../services/sipp.ts';
import { type Carrier, startCarrier } from '../world/carrier.ts';

const send = (lines: readonly string[], attributes = '') =>
  `<send ${attributes}><![CDATA[\n\n${lines.join('\n')}\n\n]]></send>`;

/** Fields of a row: SIP user, extension, credentials. */
function register(cseq: number, more: readonly string[]): string {
  const lines = [
    'REGISTER sip:[remote_ip]:[remote_port] SIP/2.0',
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: <sip:[field0]@[remote_ip]:[remote_port]>;tag=[pid]desk[call_number]',
    'To: <sip:[field0]@[remote_ip]:[remote_port]>',
    'Call-ID: [call_id]',
    `CSeq: ${cseq} REGISTER`,
    'Contact: <sip:[field1]@[local_ip]:[local_port]>',
    'Max-Forwards: 70',
    'Expires: 7200',
    ...more,
    'Content-Length: 0',
  ];
  return send(lines, 'retrans="500"');
}

const SCENARIO = `<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="desk phones">
${register(1, [])}
<recv response="401" auth="true"/>
${register(2, ['[field2]'])}
<recv response="200"/>
</scenario>
`;

function table(lines: readonly SeededLine[]): string {
  const rows = lines.map(({ extension, sip_username, sip_password }) => {
    const credentials = `[authentication username=${sip_username} password=${sip_password}]`;
    return [sip_username, extension, credentials].join(';');
  });
  return `SEQUENTIAL\n${rows.join('\n')}\n`;
}

/** From the port where they will answer: Asterisk calls a phone back where its registration came from. */
async function registerAll(
  dir: string,
  sipPort: number,
  port: number,
  lines: readonly SeededLine[],
): Promise<void> {
  const file = join(dir, 'register.xml');
  const rows = join(dir, 'register.csv');
  writeFileSync(file, SCENARIO);
  writeFileSync(rows, table(lines), { mode: 0o600 });
  const own = ['-i', '127.0.0.1', '-p', String(port), '-mp', String(await freePort())];
  const pace = ['-inf', rows, '-m', String(lines.length), '-r', '50', '-recv_timeout', '5000'];
  const args = [`127.0.0.1:${sipPort}`, ...own, ...pace];
  const sipp = await startSipp({ name: 'register', scenario: { file }, dir, args });
  const { code } = await sipp.exited;
  if (code !== 0) throw new ServiceFailedError(`the phones could not register: ${sipp.errors()}`);
}

export interface DeskPhones {
  stop(): Promise<void>;
}

/** Asterisk keeps a registration for two hours at most. */
const RENEW_EVERY_ms = 6_600_000;

/**
 * One phone for each line, registered, that answers when a colleague calls. What a called number's last digits mean
 * to the carrier, an extension's mean to them.
 */
export async function startDeskPhones(
  parent: string,
  sipPort: number,
  lines: readonly SeededLine[],
  ring_ms: number,
): Promise<DeskPhones> {
  const generations: Carrier[] = [];
  async function plugIn(): Promise<void> {
    const dir = mkdtempSync(join(parent, 'desk-phones-'));
    const port = await freePort();
    await registerAll(dir, sipPort, port, lines);
    generations.push(await startCarrier(dir, port, ring_ms));
    // Those of before go on with their calls until the next time.
    if (generations.length > 2) await generations.shift()?.stop();
  }
  await plugIn();
  const timer = setInterval(() => {
    // One that fails leaves lines that cannot be called; the next one mends it.
    plugIn().catch(() => {});
  }, RENEW_EVERY_ms);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(generations.map((phones) => phones.stop()));
    },
  };
}
