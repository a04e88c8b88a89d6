import { randomUUID } from 'node:crypto';
import type { Peers } from '../stores/redis/peers.ts';
import type { HangUp, HangUpAnswer } from './hang-up.ts';
import type { BoardChange, LiveBoard, ShownCall } from './live-board.ts';

/** What the processes of one installation tell each other of calls. */
export type Told =
  /** The calls of a server as its owner has them: all of them, or what changed. */
  | { readonly type: 'all'; readonly server_id: string; readonly rows: readonly ShownCall[] }
  | { readonly type: 'changes'; readonly changes: readonly BoardChange[] }
  | { readonly type: 'tell me all' }
  | { readonly type: 'hang up'; readonly question: string; readonly call_id: string }
  | { readonly type: 'hung up'; readonly question: string; readonly answer: HangUpAnswer }
  /** Money came in, or a call let go of some. */
  | { readonly type: 'wallet'; readonly subscriber_id: string }
  /** Servers were given back. */
  | { readonly type: 'free' };

/** The other processes: each shows the calls of all, and does for the others what only the owner of a server can do. */
export interface Company {
  /** A server of ours has been compared: its rows are all there are. */
  compared(server_id: string): void;
  /** A server is ours no more: its new owner knows what runs. */
  lost(): void;
  walletChanged(subscriber_id: string): void;
  released(): void;
  readonly hangUp: HangUp;
  close(): void;
}

interface Dependencies {
  readonly peers: Peers<Told>;
  readonly board: LiveBoard;
  /** Of calls of ours. */
  readonly hangUp: HangUp;
  owns(server_id: string): boolean;
  /** Servers of ours that have been compared. */
  compared(): readonly string[];
  onWallet(subscriber_id: string): void;
  onFree(): void;
}

/** Changes are gathered this long: a row that changes more often is told of in its latest state. */
const GATHER_ms = 50;
/** Longer than any answer of a switch. */
const ANSWER_WITHIN_ms = 5_000;

export function createCompany(deps: Dependencies): Company {
  const { peers, board, hangUp, onWallet, onFree } = deps;
  /** Who told last that it owns a server: what others still say of it is old. */
  const owners = new Map<string, string>();
  const questions = new Map<string, (answer: HangUpAnswer) => void>();
  let told = board.sequence();
  let timer: NodeJS.Timeout | null = null;

  const tell = (server_id: string) => peers.say({ type: 'all', server_id, rows: board.own(server_id) });
  const tellAll = () => {
    for (const server_id of deps.compared()) tell(server_id);
  };
  /** Rows of a server that are not among these are no calls any more. */
  const only = (server_id: string, rows: readonly ShownCall[]) =>
    board.only(server_id, new Set(rows.map(({ change }) => change.call.call_id)));

  function tellChanges(): void {
    timer = null;
    const changes = board.since(told)?.filter(({ own }) => own);
    told = board.sequence();
    if (!changes) tellAll();
    else if (changes.length > 0) peers.say({ type: 'changes', changes });
  }

  const unwatch = board.watch(() => {
    timer ??= setTimeout(tellChanges, GATHER_ms);
  });

  function hearAll(server_id: string, rows: readonly ShownCall[], from: string): void {
    owners.set(server_id, from);
    if (deps.owns(server_id)) return;
    for (const row of rows) board.mirror(row);
    only(server_id, rows);
  }

  /** Every process hears it; the owner alone answers. */
  async function answer(question: string, call_id: string): Promise<void> {
    if (!board.isOwn(call_id)) return;
    peers.say({ type: 'hung up', question, answer: await hangUp(call_id) });
  }

  function hear(message: Told, from: string): void {
    switch (message.type) {
      case 'all':
        hearAll(message.server_id, message.rows, from);
        break;
      case 'changes':
        for (const one of message.changes) if (owners.get(one.server_id) === from) board.mirror(one);
        break;
      case 'tell me all':
        tellAll();
        break;
      case 'hang up':
        void answer(message.question, message.call_id);
        break;
      case 'hung up':
        questions.get(message.question)?.(message.answer);
        break;
      case 'wallet':
        onWallet(message.subscriber_id);
        break;
      case 'free':
        onFree();
        break;
    }
  }

  peers.listen(hear, () => {
    peers.say({ type: 'tell me all' });
    tellAll();
  });

  async function ask(call_id: string): Promise<HangUpAnswer> {
    const question = randomUUID();
    const answered = new Promise<HangUpAnswer>((resolve) => {
      questions.set(question, resolve);
      setTimeout(resolve, ANSWER_WITHIN_ms, 'UNREACHABLE').unref();
    });
    peers.say({ type: 'hang up', question, call_id });
    return answered.finally(() => questions.delete(question));
  }

  return {
    compared(server_id) {
      owners.delete(server_id);
      only(server_id, board.own(server_id));
      tell(server_id);
    },
    lost: () => peers.say({ type: 'tell me all' }),
    walletChanged: (subscriber_id) => peers.say({ type: 'wallet', subscriber_id }),
    released: () => peers.say({ type: 'free' }),
    hangUp: async (call_id) =>
      board.isOwn(call_id) || !board.rows({}).some((row) => row.call_id === call_id)
        ? hangUp(call_id)
        : ask(call_id),
    close() {
      unwatch();
      if (timer) clearTimeout(timer);
      peers.close();
    },
  };
}
