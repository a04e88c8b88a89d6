import type { Redis } from 'ioredis';
import type { ConnectAri } from '../asterisk/ari/port.ts';
import type { SwitchAddress } from '../asterisk/session.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { ResellerWallet } from '../stores/postgres/reseller-wallets.ts';
import { openWallet, type Wallet } from '../stores/postgres/wallets.ts';
import { createLiveCallStore, type LiveCallStore } from '../stores/redis/live-calls.ts';
import { createAdmissions } from './admission.ts';
import { type Controller, createController } from './controller.ts';
import { createDecisionTimes, type DecisionTimes } from './decision-times.ts';
import { createDirectory, type Directory } from './directory.ts';
import { createHangUp, type HangUp } from './hang-up.ts';
import { createLiveBoard, type LiveBoard } from './live-board.ts';
import type { CallFacts, LiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import { createReconciler } from './reconcile.ts';
import { createRebuilder } from './recovery.ts';
import { createRefusalLog } from './refusal-log.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createSettler, type Settler } from './settlement.ts';
import { createSharing } from './sharing.ts';
import { createSlices, type SliceTimes } from './slices.ts';
import { createSwitches, type Switches } from './switches.ts';

const WALLET_RETRY_ms = 1_000;
const SWEEP_MOVES_ms = 30_000;

export interface CallControl {
  readonly board: LiveBoard;
  readonly decisionTimes: DecisionTimes;
  readonly directory: Directory;
  readonly store: LiveCallStore;
  readonly controller: Controller;
  readonly settler: Settler;
  readonly switches: Switches;
  /** Lets running calls have money that came in; tried again until Redis has it or has something newer. */
  walletChanged(wallet: Wallet | ResellerWallet): void;
  readonly hangUp: HangUp;
  /** Money that is moved away, out of what no running call has reserved. */
  readonly reserve: Reserve;
  /** Stops listening and lets what is under way finish. Calls go on: the switches end them by their slices. */
  close(): Promise<void>;
}

export interface CallControlDependencies {
  readonly db: Db;
  readonly redis: Redis;
  readonly connectAri: ConnectAri;
  readonly times: SliceTimes;
  readonly log: Log;
}

/** Puts the parts of real-time control together. `switches.set` starts it. */
export function createCallControl({
  db,
  redis,
  connectAri,
  times,
  log,
}: CallControlDependencies): CallControl {
  const resync = () => {
    switches
      .resync()
      .catch((error: Error) => log.warn({ err: error }, 'Redis cannot be brought up to date yet'));
  };
  const store = createLiveCallStore(redis, resync);
  const directory = createDirectory(db);
  const board = createLiveBoard();
  const decisionTimes = createDecisionTimes();
  const live = new Map<string, LiveCall>();
  const sharing = createSharing({ store, live, board, log });
  const settling = {
    ...store,
    /** What a call held and did not need is there for the others now. */
    async settle(...settled: Parameters<LiveCallStore['settle']>) {
      await store.settle(...settled);
      sharing.changed(settled[0].payer);
    },
  };
  const settler = createSettler(db, settling, log);
  const refusals = createRefusalLog(db, log);
  const admissions = createAdmissions(db, store, times.slice_seconds);
  const openNextCycle = async (facts: CallFacts) => {
    const wallet = await openWallet(db, facts, facts.next_cycle_start);
    await store.loadWallet(wallet);
    return facts.next_cycle_start === wallet.cycle_start || facts.next_cycle_start in wallet.left_seconds;
  };
  const slices = createSlices({
    store,
    board,
    sharing,
    times,
    log,
    switchOf: (id) => switches.get(id),
    openNextCycle,
  });
  const controller = createController({
    directory,
    admissions,
    store,
    slices,
    settler,
    refusals,
    board,
    decisionTimes,
    live,
    log,
  });
  const rebuilder = createRebuilder(
    directory,
    async ({ slot, cycle_start, ...payer }) => {
      if (!slot) return 0;
      const wallet = await openWallet(db, payer, cycle_start);
      return wallet.left_seconds[cycle_start]?.[slot] ?? 0;
    },
    times.grace_seconds,
  );
  const reconciler = createReconciler({ db, store, admissions, controller, settler, rebuilder, log });

  const adoptFromMemory = async (server_id: string) => {
    for (const call of controller.live.values()) {
      if (call.registered && call.facts.server_id === server_id)
        await admissions.adopt(call.facts, call.grant);
    }
  };
  const switches: Switches = createSwitches({
    connectAri,
    controller,
    reconciler,
    store,
    log,
    adoptFromMemory,
  });
  redis.on('close', () => switches.redisLost());
  redis.on('ready', resync);

  const walletChanged = (wallet: Wallet | ResellerWallet) => {
    const loaded = 'left_seconds' in wallet ? store.loadWallet(wallet) : store.loadResellerWallet(wallet);
    const told = loaded.then(() => {
      if ('left_seconds' in wallet) sharing.changed(wallet.subscriber_id);
    });
    told.catch((error: Error) => {
      const { balance_micros: _, ...named } = wallet;
      log.warn({ err: error, ...named }, 'Redis is away; a wallet waits');
      setTimeout(walletChanged, WALLET_RETRY_ms, wallet).unref();
    });
  };

  const sweeping = setInterval(() => {
    store.sweepMoves().catch((error: Error) => log.warn({ err: error }, 'moves of money are swept later'));
  }, SWEEP_MOVES_ms);
  sweeping.unref();

  return {
    walletChanged,
    hangUp: createHangUp(controller.live, (id) => switches.get(id), log),
    reserve: createReserve(db, store, log),
    board,
    decisionTimes,
    directory,
    store,
    controller,
    settler,
    switches,
    async close() {
      clearInterval(sweeping);
      sharing.close();
      switches.close();
      await controller.idle();
      await refusals.idle();
      await settler.idle();
    },
  };
}

export type { SwitchAddress };
