import Fastify from 'fastify';
import pg from 'pg';

/*
 * The least that answers the same reads: Fastify, one pool, the same SQL as owner. No session, no walls, no schema.
 * What it serves comes from its parent, over the channel that fork made.
 */

/** Queries of one route, in their order; what the first gives, and the others under their names. */
export interface BareRoute {
  readonly path: string;
  readonly list: boolean;
  readonly queries: readonly { readonly text: string; readonly values: readonly unknown[] }[];
}

export interface BareOrder {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly port: number;
  readonly routes: readonly BareRoute[];
}

async function serve({ databaseUrl, poolSize, port, routes }: BareOrder): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize });
  const app = Fastify();
  for (const { path, list, queries } of routes) {
    app.get(path, async () => {
      const answers: unknown[][] = [];
      for (const { text, values } of queries) answers.push((await pool.query(text, [...values])).rows);
      const [rows = [], contacts] = answers;
      return list ? { items: rows } : { ...(rows[0] as object), contacts };
    });
  }
  await app.listen({ host: '127.0.0.1', port });
}

process.once('message', (order) => {
  serve(order as BareOrder).then(
    () => process.send?.('ready'),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(0));
