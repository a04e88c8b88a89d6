import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../services/errors.ts';
import { waitUntil } from '../services/process.ts';
import { type CallGroup, makeCalls } from './calls.ts';
import { type CarrierCall, readCarrierLog } from './carrier-log.ts';
import { watchDecisions } from './decisions.ts';
import { readDrift } from './drift.ts';
import { watchDrift } from './drift-watch.ts';
import { gatherEvidence, readHeld, readRecords } from './evidence.ts';
import { FAULT_ACTIONS } from './faults.ts';
import { startPhones } from './phones.ts';
import type { FaultName, Plan, PlannedFault } from './plan.ts';
import type { Random } from './random.ts';
import type { DrillResult } from './report.ts';
import type { Stage } from './stage.ts';
import { startTopUps } from './top-ups.ts';
import { judge } from './verdict.ts';

export interface DrillOrder {
  readonly plan: Plan;
  readonly rate: number;
  readonly random: Random;
  /** What happens, for whoever looks on. */
  readonly tell: (line: string) => void;
}

/** Everything runs again within this time after the last fault, and every call is settled. */
const SETTLED_within_ms = 90_000;

const ENDS_SWITCH: readonly FaultName[] = ['KILL_ASTERISK', 'RESTART_ASTERISK'];

const countCalls = (groups: readonly CallGroup[]) => groups.reduce((sum, { calls }) => sum + calls.length, 0);

/** Gives when it began, milliseconds since 1970. */
async function perform(
  stage: Stage,
  fault: PlannedFault,
  since_ms: number,
  tell: DrillOrder['tell'],
): Promise<number> {
  const { name, at_seconds, for_seconds } = fault;
  const now_s = () => (performance.now() - since_ms) / 1_000;
  await sleep(Math.max(0, at_seconds - now_s()) * 1_000);
  tell(`${now_s().toFixed(1).padStart(6)} s  ${name} for ${for_seconds.toFixed(1)} s`);
  const began_at_ms = Date.now();
  const repair = await FAULT_ACTIONS[name](stage);
  await sleep(for_seconds * 1_000);
  await repair();
  tell(`${now_s().toFixed(1).padStart(6)} s  ${name} repaired`);
  return began_at_ms;
}

/** What is not settled yet, in words; null: nothing. */
async function unsettled(stage: Stage, carrier: readonly CarrierCall[]): Promise<string | null> {
  const { leases, running, differing } = await readDrift(stage);
  if (leases + running > 0) return `${running} calls run, ${leases} are known, ${differing.length} differ`;
  const recorded = new Set((await readRecords(stage)).map(({ number }) => number.slice(-11)));
  const missing = carrier.filter((call) => call.answered_at_ms !== null && !recorded.has(call.number));
  if (missing.length > 0) return `${missing.length} answered calls have no record`;
  const held = await readHeld(stage);
  return held.size > 0 ? `${held.size} wallets are held` : null;
}

/** Until all is settled, or for ever as it seems: then the verdict says what is wrong. */
async function settle(stage: Stage, tell: DrillOrder['tell']): Promise<void> {
  let last = 'nothing was looked at';
  const settledNow = async () => {
    try {
      const left = await unsettled(stage, readCarrierLog(stage.carrierLog));
      last = left ?? '';
      return left === null;
    } catch (error) {
      last = messageOf(error);
      return false;
    }
  };
  const wait = { timeout_ms: SETTLED_within_ms, interval_ms: 500, what: 'everything to be settled' };
  await waitUntil(settledNow, wait).catch(() => tell(`not settled after all: ${last}`));
}

/** Lets phones call while the plan is carried out, waits until all is settled, and judges. */
export async function runDrill(stage: Stage, order: DrillOrder): Promise<DrillResult> {
  const { plan, rate, random, tell } = order;
  const groups = makeCalls(random, stage.payers, rate * plan.seconds);
  const decisions = watchDecisions(stage.world);
  const drift = watchDrift(stage);
  const topUps = await startTopUps(stage);
  const since_ms = performance.now();
  const { dir, pabx } = stage.world;
  const phones = await startPhones(groups, { dir, sipPort: pabx.ports.sip, seconds: plan.seconds });
  const switchEnds_ms: number[] = [];
  for (const fault of plan.faults) {
    const began_at_ms = await perform(stage, fault, since_ms, tell);
    if (ENDS_SWITCH.includes(fault.name)) switchEnds_ms.push(began_at_ms);
  }
  await sleep(Math.max(0, plan.seconds * 1_000 - (performance.now() - since_ms)));
  tell('no more calls; those in progress end');
  topUps.stop();
  await phones.stop();
  const ran_seconds = (performance.now() - since_ms) / 1_000;
  await settle(stage, tell);
  const evidence = await gatherEvidence(stage, readCarrierLog(stage.carrierLog), {
    drifted: drift.stop(),
    switchEnds_ms,
  });
  return {
    ran_seconds,
    placed: countCalls(groups),
    decisions: await decisions.stop(),
    evidence,
    verdict: judge(evidence),
  };
}
