import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Publisher } from '../admin/publish-revisions.ts';
import { ProblemError } from '../contract/problem.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { acknowledgeRevision, findServerByToken, readRevisionFile } from '../stores/postgres/servers.ts';
import { bearerToken } from './authenticate.ts';

/** Proxies between a server and us may cut silent connections after 30 s. */
const MAX_WAIT_seconds = 25;
const MAX_ERROR_BYTES = 4_096;

const waitSchema = z.object({ wait: z.coerce.number().int().min(0).max(MAX_WAIT_seconds).catch(0) });
const revisionSchema = z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/) });
const fileSchema = revisionSchema.extend({ name: z.string().regex(/^[a-z-]{1,64}\.conf$/) });

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new ProblemError('NOT_FOUND', 'there is no such revision or file');
  return result.data;
}

/** What an Asterisk server asks: its configuration, by its own token, and nobody else's (asterisk-config/pull.sh). */
export function addProvisioning(app: FastifyInstance, db: Db, publisher: Publisher): void {
  const identify = async (request: FastifyRequest) => {
    const server = await findServerByToken(db, bearerToken(request.headers.authorization));
    if (!server) throw new ProblemError('UNAUTHENTICATED', 'no server has this token');
    return server;
  };
  app.addContentTypeParser(
    'text/plain',
    { parseAs: 'string', bodyLimit: MAX_ERROR_BYTES },
    (_request, body, done) => {
      done(null, body);
    },
  );

  app.get('/provisioning/v1/revision', async (request, reply) => {
    const server = await identify(request);
    const { wait } = parse(waitSchema, request.query);
    const has = /^"([0-9a-f]{64})"$/.exec(request.headers['if-none-match'] ?? '')?.[1] ?? null;
    const revision = await publisher.changed(server.id, has, wait * 1000);
    if (!revision) throw new ProblemError('UNAVAILABLE', 'the configuration is not rendered yet');
    reply.header('etag', `"${revision.hash}"`);
    if (revision.hash === has) return reply.code(304).send();
    return reply.type('text/plain').send(revision.manifest);
  });

  app.get('/provisioning/v1/revisions/:hash/:name', async (request, reply) => {
    const server = await identify(request);
    const { hash, name } = parse(fileSchema, request.params);
    const content = await readRevisionFile(db, server.id, hash, name);
    if (content === null) throw new ProblemError('NOT_FOUND', 'there is no such revision or file');
    return reply.type('text/plain').send(content);
  });

  app.put('/provisioning/v1/revisions/:hash/acknowledgement', async (request, reply) => {
    const server = await identify(request);
    const { hash } = parse(revisionSchema, request.params);
    const told = typeof request.body === 'string' ? request.body.replace(/\0/g, '').trim() : '';
    await acknowledgeRevision(db, server.id, hash, told === '' ? null : told);
    const log = { server: server.name, revision: hash.slice(0, 12) };
    if (told === '') app.log.info(log, 'configuration taken over');
    else app.log.error({ ...log, told }, 'configuration refused by its server');
    return reply.code(204).send();
  });
}
