import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningAsterisk } from '../../../dev/services/asterisk.ts';
import { freePorts } from '../../../dev/services/ports.ts';
import { waitUntil } from '../../../dev/services/process.ts';
import type { RunningSipp } from '../../../dev/services/sipp.ts';
import { renderServer } from '../../../src/asterisk/render/server.ts';
import { type AriChannel, type Control, connectControl, connectManager, type Manager } from './control.ts';
import { answerCalls, type Callee, type Phone, type PhoneShop, register } from './phones.ts';
import { type InstalledAsterisk, installedAsterisk } from './real-asterisk.ts';
import { lineRow, PASSWORD, SIP_PASSWORD, serverRows, trunkRow } from './rows.ts';

/**
 * A running Asterisk with rendered configuration, two trunks, lines 201 to 203 (only 202 is registered), and a control
 * plane of the test's own.
 */
export interface Switchboard {
  readonly installed: InstalledAsterisk;
  readonly asterisk: RunningAsterisk;
  readonly shop: PhoneShop;
  readonly manager: Manager;
  /** Connected by `connect`; a test that wants it away closes it. */
  control: Control;
  connect(): Promise<Control>;
  readonly ports: { readonly carrier: number; readonly backup: number; readonly phone2: number };
  /** Somebody answers at a port until the next `callees` or the end. */
  callees(...wanted: readonly (readonly [port: number, callee: Callee])[]): Promise<RunningSipp[]>;
  /** Waits until no channel is left. */
  quiet(): Promise<void>;
  /** Waits until a channel of which this holds is there. */
  channel(what: string, condition: (channel: AriChannel) => boolean): Promise<AriChannel>;
  journal(): Promise<{ bucket: string; call: string; fields: string[] }[]>;
  stop(): Promise<void>;
}

export const PHONE1: Phone = { user: 'phone1', password: SIP_PASSWORD };
export const PHONE2: Phone = { user: 'phone2', password: SIP_PASSWORD };

export async function startSwitchboard(): Promise<Switchboard> {
  const installed = await installedAsterisk('switchboard');
  const [carrier = 0, backup = 0, phone2 = 0] = await freePorts(3);
  const lines = ['phone1', 'phone2', 'phone3'].map((sip_username, index) =>
    lineRow({ sip_username, extension: String(201 + index), name: `Line ${201 + index}` }),
  );
  const trunks = [trunkRow({ port: carrier }), trunkRow({ code: 'backup', port: backup })];
  installed.place(renderServer(serverRows({ lines, trunks })).files);
  const asterisk = await installed.instance.start();
  const dir = mkdtempSync(join(tmpdir(), 'switchboard-test-'));
  const shop = { dir, asteriskPort: installed.ports.sip };
  const connect = () => connectControl(installed.ports.http, PASSWORD);
  await register(shop, PHONE2, phone2);
  const manager = await connectManager(installed.ports.ami, PASSWORD);
  let answering: RunningSipp[] = [];
  const board: Switchboard = {
    installed,
    asterisk,
    shop,
    manager,
    connect,
    control: await connect(),
    ports: { carrier, backup, phone2 },
    callees: async (...wanted) => {
      await Promise.all(answering.map((sipp) => sipp.stop({ timeout_ms: 10 })));
      answering = await Promise.all(wanted.map(([port, callee]) => answerCalls(shop, port, callee)));
      return answering;
    },
    quiet: () =>
      waitUntil(async () => (await board.control.channels()).length === 0, {
        timeout_ms: 8000,
        what: 'all channels to be gone',
      }),
    channel: (what, condition) => findChannel(board, what, condition),
    journal: () => readJournal(manager),
    stop: async () => {
      await board.callees();
      manager.close();
      await asterisk.stop();
      installed.instance.remove();
      rmSync(dir, { recursive: true });
    },
  };
  return board;
}

async function findChannel(
  board: Switchboard,
  what: string,
  condition: (channel: AriChannel) => boolean,
): Promise<AriChannel> {
  let found: AriChannel | undefined;
  const look = async () => {
    found = (await board.control.channels()).find(condition);
    return found !== undefined;
  };
  await waitUntil(look, { timeout_ms: 8000, what });
  if (found === undefined) throw new Error(what);
  return found;
}

async function readJournal(manager: Manager): ReturnType<Switchboard['journal']> {
  const answer = await manager.action('DBGetTree', { Family: 'pabx' });
  return [...answer.matchAll(/^Key: \/pabx\/(\d+)\/(\S+)\r\nVal: (.*)\r$/gm)].map(
    ([, bucket = '', call = '', value = '']) => ({ bucket, call, fields: value.split('|') }),
  );
}
