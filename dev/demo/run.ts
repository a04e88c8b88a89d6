import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, createApi } from './api.ts';
import { auditLedger } from './audit.ts';
import { type Board, createBoard, refusalText } from './board.ts';
import { type Callers, createCallers } from './callers.ts';
import { type Display, openDisplay } from './display.ts';
import type { DemoSwitch, Installation } from './installation.ts';
import { createRecharge } from './recharge.ts';
import { summaryLines } from './summary.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import type { View } from './view.ts';

const ASK_EVERY_ms = 1_000;
const REFUSALS_ASKED = 50;
/** How long hung-up calls may take to get into the ledger. */
const SETTLE_ms = 4_000;
/** After so long without one billed call something must be wrong. */
const BILLED_BY_seconds = 30;
const FILE_COLUMNS = 120;

/** Asks the API again and again; what fails now is asked anew the next time. */
function keepAsking(api: Api, board: Board): { last(): Promise<void>; stop(): void } {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let failing = false;
  async function ask(): Promise<void> {
    board.takeSubscribers(await api.subscribers());
    board.takeRefusals(await api.refusals(REFUSALS_ASKED));
    failing = false;
  }
  const goOn = async () => {
    await ask().catch((error: Error) => {
      if (!failing) board.tell(`a API não responde: ${error.message}`);
      failing = true;
    });
    if (!stopped) timer = setTimeout(goOn, ASK_EVERY_ms);
  };
  void goOn();
  return {
    last: ask,
    stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
    },
  };
}

function explain({ missing }: Installation): string | null {
  return missing && `Sem chamadas: ${missing.message} A API, os assinantes e o painel funcionam sem isso.`;
}

interface Calling {
  readonly pabx: DemoSwitch;
  readonly callers: Callers;
  readonly traffic: Traffic;
}

function startCalling({ pabx, dir, seeded }: Installation, board: Board): Calling | null {
  if (!pabx) return null;
  const callers = createCallers(dir, pabx.sipPort, (error) =>
    board.tell(`um telefone falhou: ${error.message}`),
  );
  return { pabx, callers, traffic: startTraffic(seeded, callers) };
}

/** No new calls; those that run are hung up, and the control plane writes them down. */
async function finishCalls({ pabx, callers, traffic }: Calling, board: Board): Promise<void> {
  traffic.stop();
  const deadline_ms = performance.now() + SETTLE_ms;
  do {
    // Again, because one that was being dialled may have come after the first.
    await pabx.hangUpAll().catch(() => {});
    await sleep(200);
  } while (board.live.size > 0 && performance.now() < deadline_ms);
  await callers.stop();
  // The ledger is written a moment after a call has left the board.
  await sleep(300);
}

async function report(
  installation: Installation,
  board: Board,
  ran_seconds: number,
  placed: number,
): Promise<boolean> {
  const audit = await auditLedger(installation.database);
  const { bundle_seconds, paid_seconds } = board.totals;
  const silent =
    installation.pabx !== null && ran_seconds >= BILLED_BY_seconds && bundle_seconds + paid_seconds === 0;
  const lines = summaryLines(
    { board, audit, ran_seconds, placed, silent },
    process.stdout.columns ?? FILE_COLUMNS,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
  return audit.faults.length === 0 && !silent;
}

/** Lets calls run and shows them until `ended`; true when what was charged agrees with what was written. */
export async function runDemo(installation: Installation, ended: Promise<unknown>): Promise<boolean> {
  const { url, token } = installation;
  const api = createApi(url, token);
  let display: Display | null = null;
  let calling: Calling | null = null;
  const recharge = createRecharge(api, () => board);
  const board: Board = createBoard({
    onCut: (call) => calling?.traffic.redial(call.line_id),
    onRefusal(refusal) {
      display?.tell(`recusada: ${refusalText(board, refusal)}`);
      if (refusal.reason === 'NO_CREDIT' && refusal.subscriber_id) recharge.wanted(refusal.subscriber_id);
    },
    onHappening: ({ text }) => display?.tell(text),
  });
  const live = api.watchLive((message) => board.hear(message));
  const asking = keepAsking(api, board);
  const from_ms = performance.now();
  const running_seconds = () => (performance.now() - from_ms) / 1000;
  const missing = explain(installation);
  const view = (): View => ({
    board,
    url,
    token,
    missing,
    running_seconds: running_seconds(),
    now_ms: Date.now(),
  });
  display = openDisplay(process.stdout, view);
  calling = startCalling(installation, board);

  await ended;
  const ran_seconds = running_seconds();
  recharge.stop();
  if (calling) await finishCalls(calling, board);
  asking.stop();
  await asking.last().catch(() => {});
  live.close();
  display.close();
  return report(installation, board, ran_seconds, calling?.callers.placed() ?? 0);
}
