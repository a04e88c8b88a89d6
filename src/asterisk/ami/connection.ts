import Manager from 'asterisk-manager';

export type AmiMessage = Record<string, string | string[] | undefined>;

/** The switch answered an action with an error, or could not be asked. */
export class AmiError extends Error {
  override name = 'AmiError';
}

export interface AmiOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The connection is lost and of no use any more. Called once. */
  readonly onLost: (reason: Error) => void;
}

/** One connection to the Asterisk Manager Interface. It is never reused: when lost, connect anew. */
export interface AmiConnection {
  /** Gives the answer, whatever it says; rejects when there is none. */
  send(action: Readonly<Record<string, string>>): Promise<AmiMessage>;
  /** Sends an action that answers with a list and gathers its events. */
  list(action: Readonly<Record<string, string>>): Promise<AmiMessage[]>;
  close(): void;
}

const ACTION_TIMEOUT_ms = 3_000;
const LIST_TIMEOUT_ms = 15_000;

interface Pending {
  readonly items: AmiMessage[] | null;
  readonly resolve: (items: AmiMessage[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A line break inside a value would be read as the start of another action. */
function refuseLineBreaks(action: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(action)) {
    if (/[\r\n]/.test(name + value))
      throw new AmiError(`AMI ${action.Action}: line break in ${JSON.stringify(name)}`);
  }
}

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(' ') : (value ?? '');
}

/** Actions waiting for their answers, by ActionID. All are refused when the connection goes. */
function createPending() {
  const pending = new Map<string, Pending>();
  let lastId = 0;
  const finish = (id: string, conclude: (entry: Pending) => void) => {
    const entry = pending.get(id);
    if (!entry) return;
    pending.delete(id);
    clearTimeout(entry.timer);
    conclude(entry);
  };
  return {
    add(name: string, gather: boolean): { id: string; answer: Promise<AmiMessage[]> } {
      const id = `pabx-${++lastId}`;
      const answer = new Promise<AmiMessage[]>((resolve, reject) => {
        const timer = setTimeout(
          () => finish(id, (entry) => entry.reject(new AmiError(`AMI ${name} timed out`))),
          gather ? LIST_TIMEOUT_ms : ACTION_TIMEOUT_ms,
        );
        pending.set(id, { items: gather ? [] : null, resolve, reject, timer });
      });
      return { id, answer };
    },
    receive(message: AmiMessage) {
      const id = text(message.actionid);
      const entry = pending.get(id);
      if (!entry) return;
      if (entry.items === null) return finish(id, () => entry.resolve([message]));
      const { items } = entry;
      if (message.response !== undefined) {
        // 'Success' opens the list; an error means that there is nothing to list.
        if (text(message.response).toLowerCase() === 'error') finish(id, () => entry.resolve([]));
      } else if (text(message.eventlist).toLowerCase() === 'complete') finish(id, () => entry.resolve(items));
      else items.push(message);
    },
    rejectAll(reason: Error) {
      for (const id of [...pending.keys()]) finish(id, (entry) => entry.reject(reason));
    },
  };
}

/** Connects and logs in. Rejects when the switch is away or refuses user or password. */
export function connectAmi(options: AmiOptions): Promise<AmiConnection> {
  const manager = new Manager(null, options.host, options.user, options.password, false);
  const pending = createPending();
  let state: 'OPENING' | 'OPEN' | 'OVER' = 'OPENING';

  return new Promise((resolve, reject) => {
    const over = (reason: Error) => {
      const before = state;
      state = 'OVER';
      clearTimeout(timer);
      pending.rejectAll(reason);
      manager.disconnect();
      if (before === 'OPENING') reject(reason);
      else if (before === 'OPEN') options.onLost(reason);
    };
    const timer = setTimeout(() => over(new AmiError('AMI login timed out')), ACTION_TIMEOUT_ms);
    const send = (action: Readonly<Record<string, string>>, gather: boolean): Promise<AmiMessage[]> => {
      refuseLineBreaks(action);
      if (state !== 'OPEN') return Promise.reject(new AmiError('AMI is not connected'));
      const { id, answer } = pending.add(action.Action ?? '', gather);
      // Answers are matched by the raw events: the library's own callbacks never come once a link is lost.
      manager.action({ ...action, actionid: id }, () => {});
      return answer;
    };
    const connection: AmiConnection = {
      send: async (action) => (await send(action, false))[0] ?? {},
      list: (action) => send(action, true),
      close() {
        if (state === 'OPEN') state = 'OVER';
        pending.rejectAll(new AmiError('AMI connection closed'));
        manager.disconnect();
      },
    };
    manager.on('rawevent', (message: AmiMessage) => pending.receive(message));
    manager.on('error', (error: Error) => over(error));
    manager.on('close', () => over(new AmiError('AMI connection lost')));
    manager.connect(options.port, options.host, () => {
      manager.login((error) => {
        if (error) return over(new AmiError(`AMI login refused for user ${options.user}`));
        if (state !== 'OPENING') return;
        state = 'OPEN';
        clearTimeout(timer);
        resolve(connection);
      });
    });
  });
}

export { text as amiText };
