import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceFailedError } from '../services/errors.ts';
import { freePorts } from '../services/ports.ts';
import { type RunningSipp, startSipp } from '../services/sipp.ts';
import { cancelScenario, phoneScenario, registerScenario } from './scenario.ts';
import { readSipLog } from './sip-log.ts';

export interface PhoneAccount {
  readonly username: string;
  readonly password: string;
}

/** How a call looked from the phone. */
export interface CallOutcome {
  /** Final SIP status of the INVITE; null when none came. */
  readonly status: number | null;
  /** Q.850 cause of the Reason header of that answer. */
  readonly q850: number | null;
  readonly rang: boolean;
  /** From the 200 to the BYE of either side. */
  readonly talk_ms: number | null;
  readonly hungUpBy: 'PHONE' | 'OTHER_SIDE' | null;
}

export interface PlacedCall {
  readonly done: Promise<CallOutcome>;
  /** What has happened so far. */
  outcome(): CallOutcome;
  /** The phone vanishes without a word. */
  abandon(): Promise<void>;
}

let calls = 0;

function readOutcome(path: string): CallOutcome {
  const messages = readSipLog(path);
  const received = messages.filter((message) => message.direction === 'RECEIVED');
  const final = received.find(
    (message) => /^SIP\/2\.0 [2-6]/.test(message.firstLine) && message.header('CSeq') === '2 INVITE',
  );
  const status = final ? Number(final.firstLine.split(' ')[1]) : null;
  const bye = messages.find((message) => message.firstLine.startsWith('BYE '));
  const q850 = /cause=(\d+)/.exec(final?.header('Reason') ?? '')?.[1];
  return {
    status,
    q850: q850 === undefined ? null : Number(q850),
    rang: received.some((message) => message.firstLine.startsWith('SIP/2.0 180')),
    talk_ms: final && bye && status === 200 ? bye.at_ms - final.at_ms : null,
    hungUpBy: bye ? (bye.direction === 'SENT' ? 'PHONE' : 'OTHER_SIDE') : null,
  };
}

function place(sipp: RunningSipp): PlacedCall {
  const outcome = () => readOutcome(sipp.files.messages);
  return {
    outcome,
    done: sipp.exited.then(outcome),
    abandon: async () => {
      await sipp.stop({ timeout_ms: 1 });
    },
  };
}

/** A SIPp that plays phones of one switch, one process a call. */
export function createPhones(dir: string, sipPort: number) {
  async function run(name: string, scenario: string, args: readonly string[]): Promise<RunningSipp> {
    const file = join(dir, `${name}.xml`);
    writeFileSync(file, scenario);
    const [port = 0, mediaPort = 0] = await freePorts(2);
    const local = ['-i', '127.0.0.1', '-p', String(port), '-mp', String(mediaPort), '-m', '1'];
    const all = [`127.0.0.1:${sipPort}`, ...local, ...args];
    return startSipp({ name, scenario: { file }, dir, args: all, traceMessages: true });
  }
  return {
    async call(account: PhoneAccount, number: string, talk_ms = 60_000): Promise<PlacedCall> {
      const scenario = phoneScenario({ ...account, number, talk_ms });
      return place(await run(`call-${++calls}`, scenario, ['-recv_timeout', '90000']));
    },
    /** Lets it ring for a while and cancels. */
    async ringAndCancel(account: PhoneAccount, number: string, ring_ms: number): Promise<PlacedCall> {
      return place(await run(`call-${++calls}`, cancelScenario({ ...account, number, ring_ms }), []));
    },
    /** Throws when the switch refuses. */
    async register(account: PhoneAccount): Promise<void> {
      const sipp = await run(`register-${++calls}`, registerScenario(account), ['-recv_timeout', '3000']);
      const { code } = await sipp.exited;
      if (code !== 0)
        throw new ServiceFailedError(`registration of ${account.username} failed: ${sipp.errors()}`);
    },
  };
}

export type Phones = ReturnType<typeof createPhones>;
