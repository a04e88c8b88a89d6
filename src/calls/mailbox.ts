/**
 * One queue per call: what is told about a call is worked off in order, whatever waits in between; calls do
 * not wait for each other. A task that fails is reported and the next one runs.
 */
export interface Mailboxes {
  post(call_id: string, task: () => Promise<void>): void;
  /** Resolves when no task is left. */
  idle(): Promise<void>;
}

export function createMailboxes(onError: (error: Error, call_id: string) => void): Mailboxes {
  const tails = new Map<string, Promise<void>>();
  return {
    post(call_id, task) {
      const before = tails.get(call_id) ?? Promise.resolve();
      const tail = before.then(task).catch((error: Error) => onError(error, call_id));
      tails.set(call_id, tail);
      tail.then(() => {
        if (tails.get(call_id) === tail) tails.delete(call_id);
      });
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
