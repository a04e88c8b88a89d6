import type { Redis } from 'ioredis';
import type { ConnectAri } from '../asterisk/ari/port.ts';
import type { SwitchAddress } from '../asterisk/session.ts';
import type { BrakeMode, NightHours } from '../domain/brake.ts';
import type { Db } from '../stores/postgres/connect.ts';
import type { ResellerWallet } from '../stores/postgres/reseller-wallets.ts';
import { openWallet, type Wallet } from '../stores/postgres/wallets.ts';
import { createLiveCallStore, type LiveCallStore } from '../stores/redis/live-calls.ts';
import { createOwnership } from '../stores/redis/ownership.ts';
import type { Peers } from '../stores/redis/peers.ts';
import { createWatchStore } from '../stores/redis/watch-store.ts';
import { type Admissions, createAdmissions } from './admission.ts';
import { type Brake, createBrake } from './brake.ts';
import { createCompany, type Told } from './company.ts';
import { type Controller, createController } from './controller.ts';
import { createDecisionTimes, type DecisionTimes } from './decision-times.ts';
import { createDirectory, type Directory } from './directory.ts';
import { createHangUp, type HangUp } from './hang-up.ts';
import { createLiveBoard, type LiveBoard } from './live-board.ts';
import type { CallFacts, LiveCall } from './live-call.ts';
import type { Log } from './log.ts';
import { createReconciler } from './reconcile.ts';
import { createRebuilder, type LeftSeconds } from './recovery.ts';
import { createRefusalLog } from './refusal-log.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createSettler, type Settler } from './settlement.ts';
import { createSharing } from './sharing.ts';
import { createSlices, type SliceTimes } from './slices.ts';
import { createSwitches, type Switches } from './switches.ts';
import { createTones, heardBy } from './tones.ts';

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
  readonly brake: Brake;
  /** Money that is moved away, out of what no running call has reserved. */
  readonly reserve: Reserve;
  /**
   * Stops listening, lets what is under way finish, and gives the servers to other processes. Calls go on: without one
   * the switches end them by their slices.
   */
  close(): Promise<void>;
}

export interface CallControlDependencies {
  readonly db: Db;
  readonly redis: Redis;
  readonly connectAri: ConnectAri;
  readonly peers: Peers<Told>;
  readonly times: SliceTimes;
  readonly braking: { readonly mode: BrakeMode; readonly night: NightHours };
  readonly log: Log;
}

function cycleOpener(db: Db, store: LiveCallStore) {
  return async (facts: CallFacts): Promise<boolean> => {
    const wallet = await openWallet(db, facts, facts.next_cycle_start);
    await store.loadWallet(wallet);
    return facts.next_cycle_start === wallet.cycle_start || facts.next_cycle_start in wallet.left_seconds;
  };
}

/** What a call held and did not need is there for the others once it is settled. */
function tellingOfSettlements(store: LiveCallStore, changed: (subscriber_id: string) => void): LiveCallStore {
  return {
    ...store,
    async settle(...settled) {
      await store.settle(...settled);
      changed(settled[0].payer);
    },
  };
}

function memoryAdopter(controller: Controller, admissions: Admissions) {
  return async (server_id: string): Promise<void> => {
    for (const call of controller.live.values()) {
      if (call.registered && call.facts.server_id === server_id)
        await admissions.adopt(call.facts, call.grant);
    }
  };
}

function sweepMoves(store: LiveCallStore, log: Log): NodeJS.Timeout {
  const sweep = () => {
    store.sweepMoves().catch((error: Error) => log.warn({ err: error }, 'moves of money are swept later'));
  };
  return setInterval(sweep, SWEEP_MOVES_ms).unref();
}

function leftByLedger(db: Db): LeftSeconds {
  return async ({ slot, cycle_start, ...payer }) => {
    if (!slot) return 0;
    const wallet = await openWallet(db, payer, cycle_start);
    return wallet.left_seconds[cycle_start]?.[slot] ?? 0;
  };
}

/** Tells Redis of wallets that changed in the ledger, until it has heard. */
function walletTeller(store: LiveCallStore, log: Log, changed: (subscriber_id: string) => void) {
  return function tell(wallet: Wallet | ResellerWallet): void {
    const loaded = 'left_seconds' in wallet ? store.loadWallet(wallet) : store.loadResellerWallet(wallet);
    const told = loaded.then(() => {
      if ('left_seconds' in wallet) changed(wallet.subscriber_id);
    });
    told.catch((error: Error) => {
      const { balance_micros: _, ...named } = wallet;
      log.warn({ err: error, ...named }, 'Redis is away; a wallet waits');
      setTimeout(tell, WALLET_RETRY_ms, wallet).unref();
    });
  };
}

function brakeOf({ db, redis, times, braking, log }: CallControlDependencies): Brake {
  const { slice_seconds } = times;
  return createBrake({ db, store: createWatchStore(redis), log, slice_seconds, ...braking });
}

/** Puts the parts of real-time control together. `switches.set` starts it. */
export function createCallControl(dependencies: CallControlDependencies): CallControl {
  const { db, redis, connectAri, peers, times, log } = dependencies;
  const resync = () => {
    switches
      .resync()
      .catch((error: Error) => log.warn({ err: error }, 'Redis cannot be brought up to date yet'));
  };
  const ownership = createOwnership(redis, resync);
  const store = createLiveCallStore(redis, ownership);
  const directory = createDirectory(db);
  const board: LiveBoard = heardBy(createLiveBoard(), () => tones);
  const decisionTimes = createDecisionTimes();
  const live = new Map<string, LiveCall>();
  const sharing = createSharing({ store, live, board, log });
  const switchOf = (id: string) => switches.get(id);
  const tones = createTones({ sharing, log, switchOf });
  const settler = createSettler(db, tellingOfSettlements(store, sharing.changed), log);
  const refusals = createRefusalLog(db, log);
  const brake = brakeOf(dependencies);
  const admissions = createAdmissions(db, store, brake.sliceSeconds);
  const shared = { store, brake, board, log };
  const openNextCycle = cycleOpener(db, store);
  const slices = createSlices({ ...shared, sharing, times, switchOf, openNextCycle });
  const deciding = { directory, admissions, slices, settler, refusals, decisionTimes, live };
  const controller = createController({ ...shared, ...deciding });
  const rebuilder = createRebuilder(directory, leftByLedger(db), times.grace_seconds);
  const reconciler = createReconciler({ db, store, admissions, controller, settler, rebuilder, log });
  const switches: Switches = createSwitches({
    connectAri,
    controller,
    reconciler,
    store,
    ownership,
    log,
    adoptFromMemory: memoryAdopter(controller, admissions),
    onCompared: (server_id) => company.compared(server_id),
    onLost: () => company.lost(),
  });
  const company = createCompany({
    peers,
    board,
    hangUp: createHangUp(controller.live, switchOf, log),
    owns: (id) => ownership.isOurs(id),
    compared: () => switches.states().flatMap(({ compared, server_id }) => (compared ? [server_id] : [])),
    onWallet: sharing.changed,
    onFree: switches.look,
  });
  redis.on('close', () => switches.redisLost());
  redis.on('ready', resync);
  const walletChanged = walletTeller(store, log, (subscriber_id) => {
    sharing.changed(subscriber_id);
    company.walletChanged(subscriber_id);
  });
  const sweeping = sweepMoves(store, log);
  return {
    walletChanged,
    hangUp: company.hangUp,
    reserve: createReserve(db, store, log),
    brake,
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
      await brake.idle();
      await switches.release();
      company.released();
      company.close();
    },
  };
}

export type { SwitchAddress };
