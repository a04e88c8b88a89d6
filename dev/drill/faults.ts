import { familyOf } from '../services/process.ts';
import type { Link } from '../world/link.ts';
import type { FaultName } from './plan.ts';
import type { Stage } from './stage.ts';

/** Breaks something. Gives what repairs it. */
type Fault = (stage: Stage) => Promise<() => Promise<void>>;

const CLOCK_STEP_ms = 3_600_000;

const nothing = async () => {};

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // One that ended meanwhile needs no signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Stops a process and all that it started in the middle of whatever they do. */
function pause(pidOf: (stage: Stage) => number | null): Fault {
  return async (stage) => {
    const pids = familyOf(pidOf(stage) ?? 0);
    let paused = true;
    const resume = async () => {
      if (paused) signal(pids, 'SIGCONT');
      paused = false;
    };
    // What is paused hears no wish to end.
    stage.onClose('a pause', resume);
    process.once('exit', resume);
    signal(pids, 'SIGSTOP');
    return async () => {
      process.removeListener('exit', resume);
      await resume();
    };
  };
}

const cut =
  (linkOf: (stage: Stage) => Link): Fault =>
  async (stage) => {
    const link = linkOf(stage);
    link.cut();
    return async () => link.restore();
  };

const silence =
  (linkOf: (stage: Stage) => Link): Fault =>
  async (stage) => {
    const link = linkOf(stage);
    link.silence();
    return async () => link.restore();
  };

const stepClock =
  (offset_ms: number): Fault =>
  async (stage) => {
    stage.stepClock(offset_ms);
    return async () => stage.stepClock(0);
  };

const deliver =
  (how: Stage['events']['delivery']): Fault =>
  async (stage) => {
    stage.events.delivery = how;
    return async () => {
      stage.events.delivery = 'IN_TIME';
    };
  };

export const FAULT_ACTIONS: Readonly<Record<FaultName, Fault>> = {
  async KILL_CONTROL({ world: { control } }) {
    await control.kill9();
    return () => control.start();
  },
  async KILL_REDIS({ world: { redis } }) {
    await redis.kill();
    return () => redis.restart();
  },
  async KILL_POSTGRES({ postgres }) {
    await postgres.kill();
    return () => postgres.restart();
  },
  async KILL_ASTERISK({ world: { pabx } }) {
    await pabx.asterisk().kill9();
    return () => pabx.start();
  },
  PAUSE_CONTROL: pause(({ world }) => world.control.pid()),
  PAUSE_REDIS: pause(({ world }) => world.redis.pid()),
  PAUSE_POSTGRES: pause(({ postgres }) => postgres.pid()),
  PAUSE_ASTERISK: pause(({ world }) => world.pabx.asterisk().pid),
  async RESTART_CONTROL({ world: { control } }) {
    await control.stop();
    return () => control.start();
  },
  async RESTART_REDIS({ world: { redis } }) {
    await redis.restart();
    return nothing;
  },
  async RESTART_POSTGRES({ postgres }) {
    await postgres.restart();
    return nothing;
  },
  async RESTART_ASTERISK({ world: { pabx } }) {
    await pabx.asterisk().stop();
    return () => pabx.start();
  },
  CUT_ARI: cut(({ links }) => links.ari),
  CUT_AMI: cut(({ links }) => links.ami),
  SILENCE_ARI: silence(({ links }) => links.ari),
  SILENCE_AMI: silence(({ links }) => links.ami),
  async FLUSH_REDIS({ redis }) {
    await redis.flushall();
    return nothing;
  },
  CLOCK_FORWARD: stepClock(CLOCK_STEP_ms),
  CLOCK_BACK: stepClock(-CLOCK_STEP_ms),
  REPEAT_EVENTS: deliver('TWICE'),
  DELAY_EVENTS: deliver('LATE'),
  async FILL_DISK({ world: { pabx } }) {
    pabx.disk?.fill();
    return async () => pabx.disk?.free();
  },
};
