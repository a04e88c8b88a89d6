import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceFailedError } from '../services/errors.ts';
import { freePort, freePorts } from '../services/ports.ts';
import { type RunningSipp, startSipp } from '../services/sipp.ts';
import {
  answerAndReferScenario,
  callAndReferScenario,
  outsideReferScenario,
  type Refer,
} from './refer-scenario.ts';
import {
  busyScenario,
  cancelScenario,
  carrierScenario,
  type OutsideCall,
  outsideScenario,
  phoneScenario,
  registerScenario,
} from './scenario.ts';
import { readSipLog, type SipMessage } from './sip-log.ts';

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
  messages(): SipMessage[];
  /** Where the switch takes the phone's audio; null before the answer. */
  mediaPort(): number | null;
  /** The phone vanishes without a word. */
  abandon(): Promise<void>;
}

/** A phone that is there: it rings for `ring_ms` and answers whoever calls it. */
export interface WaitingPhone {
  /** The INVITEs that reached it. */
  invites(): SipMessage[];
  messages(): SipMessage[];
  stop(): Promise<void>;
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
  const answer = () =>
    readSipLog(sipp.files.messages).find((message) => message.firstLine.startsWith('SIP/2.0 200'));
  return {
    outcome,
    messages: () => readSipLog(sipp.files.messages),
    mediaPort: () => answer()?.mediaPort() ?? null,
    done: sipp.exited.then(outcome),
    abandon: async () => {
      await sipp.stop({ timeout_ms: 1 });
    },
  };
}

/** A SIPp that plays phones of one switch, one process a call. */
export function createPhones(dir: string, sipPort: number) {
  async function run(
    name: string,
    scenario: string,
    args: readonly string[],
    ownPort?: number,
  ): Promise<RunningSipp> {
    const file = join(dir, `${name}.xml`);
    writeFileSync(file, scenario);
    const [port = 0, mediaPort = 0] = await freePorts(2);
    const local = ['-i', '127.0.0.1', '-p', String(ownPort ?? port), '-mp', String(mediaPort)];
    const all = [`127.0.0.1:${sipPort}`, ...local, ...args];
    return startSipp({ name, scenario: { file }, dir, args: all, traceMessages: true });
  }
  /** Throws when the switch refuses. */
  async function register(account: PhoneAccount, port?: number): Promise<void> {
    const args = ['-m', '1', '-recv_timeout', '3000'];
    const sipp = await run(`register-${++calls}`, registerScenario(account), args, port);
    const { code } = await sipp.exited;
    if (code !== 0)
      throw new ServiceFailedError(`registration of ${account.username} failed: ${sipp.errors()}`);
  }
  async function answerBy(account: PhoneAccount, scenario: string): Promise<WaitingPhone> {
    const port = await freePort();
    await register(account, port);
    const sipp = await run(`phone-${++calls}`, scenario, [], port);
    const messages = () => readSipLog(sipp.files.messages);
    return {
      messages,
      invites: () => messages().filter((message) => message.firstLine.startsWith('INVITE ')),
      stop: async () => {
        await sipp.stop({ timeout_ms: 1 });
      },
    };
  }
  return {
    async call(
      account: PhoneAccount,
      number: string,
      talk_ms = 60_000,
      media_port?: number,
    ): Promise<PlacedCall> {
      const scenario = phoneScenario({ ...account, number, talk_ms, media_port });
      return place(await run(`call-${++calls}`, scenario, ['-m', '1', '-recv_timeout', '90000']));
    },
    /** Lets it ring for a while and cancels. */
    async ringAndCancel(account: PhoneAccount, number: string, ring_ms: number): Promise<PlacedCall> {
      return place(
        await run(`call-${++calls}`, cancelScenario({ ...account, number, ring_ms }), ['-m', '1']),
      );
    },
    register: (account: PhoneAccount) => register(account),
    /** Dials, talks for a while and transfers the other party. */
    async callAndRefer(account: PhoneAccount, number: string, refer: Refer): Promise<PlacedCall> {
      const scenario = callAndReferScenario({ ...account, number }, refer);
      return place(await run(`call-${++calls}`, scenario, ['-m', '1', '-recv_timeout', '90000']));
    },
    /** Registers and waits for calls; `refer`: and transfers whoever called. */
    wait: (account: PhoneAccount, ring_ms: number, refer?: Refer) =>
      answerBy(account, refer ? answerAndReferScenario(ring_ms, refer) : carrierScenario(ring_ms)),
    /** Registers and is busy. */
    waitBusy: (account: PhoneAccount) => answerBy(account, busyScenario()),
    /** Calls in from the address of a trunk, one call of it at a time; `refer`: and tries to send on whom it reached. */
    async callIn(trunkPort: number, call: OutsideCall, refer?: Refer): Promise<PlacedCall> {
      const args = ['-m', '1', '-recv_timeout', '90000'];
      const scenario = refer ? outsideReferScenario(call, refer) : outsideScenario(call);
      return place(await run(`outside-${++calls}`, scenario, args, trunkPort));
    },
  };
}

export type Phones = ReturnType<typeof createPhones>;
