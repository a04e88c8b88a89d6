import type { FaultName } from './plan.ts';
import type { Stage } from './stage.ts';

/** Breaks something. Gives what repairs it. */
type Fault = (stage: Stage) => Promise<() => Promise<void>>;

const nothing = async () => {};

export const FAULT_ACTIONS: Partial<Record<FaultName, Fault>> = {
  KILL_CONTROL: async ({ world: { control } }) => {
    await control.kill9();
    return () => control.start();
  },
  FLUSH_REDIS: async ({ redis }) => {
    await redis.flushall();
    return nothing;
  },
};
