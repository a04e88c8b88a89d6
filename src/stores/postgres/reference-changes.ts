import pg from 'pg';

export interface ReferenceChanges {
  close(): Promise<void>;
}

const RETRY_ms = 1_000;

/**
 * Tells of every change of reference data (the tables with a notice trigger). After each (re)connection
 * `onChange` is called too: what happened meanwhile is not known, so everything kept must be read anew.
 */
export function listenForReferenceChanges(
  url: string,
  onChange: () => void,
  onError: (error: Error) => void,
): ReferenceChanges {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const retry = () => {
    client = null;
    if (!closed && !timer) timer = setTimeout(connect, RETRY_ms * (0.5 + Math.random()));
  };
  const connect = () => {
    timer = null;
    const next = new pg.Client({
      connectionString: url,
      keepAlive: true,
      application_name: 'pabx-virtual-listen',
    });
    client = next;
    next.on('notification', onChange);
    next.on('error', onError);
    next.on('end', retry);
    next
      .connect()
      .then(() => next.query('listen reference_changed'))
      .then(onChange)
      .catch((error: Error) => {
        onError(error);
        next.end().catch(onError);
        if (client === next) retry();
      });
  };
  connect();
  return {
    async close() {
      closed = true;
      if (timer) clearTimeout(timer);
      await client?.end();
    },
  };
}
