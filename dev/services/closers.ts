import { messageOf } from './errors.ts';

/** What has been started and must be ended, the latest first. */
export interface Closers {
  /** Once everything is being closed, what still comes is closed at once. */
  add(name: string, close: () => Promise<void>): void;
  /** Ends everything that was added; a failure is told on stderr and does not keep the rest. */
  closeAll(): Promise<void>;
}

export function createClosers(): Closers {
  const open: { name: string; close: () => Promise<void> }[] = [];
  let closing = false;

  async function closeOne({ name, close }: { name: string; close: () => Promise<void> }): Promise<void> {
    try {
      await close();
    } catch (error) {
      process.stderr.write(`closing ${name} failed: ${messageOf(error)}\n`);
    }
  }

  return {
    add(name, close) {
      if (closing) void closeOne({ name, close });
      else open.push({ name, close });
    },
    async closeAll() {
      closing = true;
      for (let next = open.pop(); next; next = open.pop()) await closeOne(next);
    },
  };
}
