import { readdirSync, readFileSync } from 'node:fs';
import Fastify from 'fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { answerWithProblems, parse } from '../../src/api/problems.ts';
import { say } from '../../src/contract/language.ts';
import { PROBLEM_CODES, type ProblemCode, ProblemError, problemSchema } from '../../src/contract/problem.ts';
import { ROUTES } from '../../src/contract/routes.ts';
import { expectStatus } from './people.ts';
import { addTown, type Town } from './tenants.ts';
import { type Asking, useApi } from './use-api.ts';

const api = useApi();
let town: Town;

beforeAll(async () => {
  town = await addTown(api());
});

const V1 = '/api/v1';
const ask = (method: string, at: string, asking?: Asking) =>
  api().ask(town.keys.master, method, `${V1}${at}`, asking);
const plan = (name: string) => ({ reseller_id: town.ours.reseller_id, name, rates: [] });

describe('problems', () => {
  const app = Fastify({ logger: false });
  answerWithProblems(app);
  app.get<{ Params: { code: ProblemCode } }>('/problem/:code', ({ params }) => {
    throw new ProblemError(
      params.code,
      say('in English', 'em português'),
      [{ field: 'f', message: say('m', 'n') }],
      7,
    );
  });
  app.get<{ Params: { code: string } }>('/sqlstate/:code', ({ params }) => {
    throw Object.assign(new Error('select secret from users'), { code: params.code });
  });
  const get = async (url: string, language = 'en') => {
    const response = await app.inject({ url, headers: { 'accept-language': language } });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      body: response.json(),
    };
  };

  test.each(Object.entries(PROBLEM_CODES))('%s is a %i in the shape of RFC 9457', async (code, status) => {
    const { body, headers, ...answer } = await get(`/problem/${code}`);
    expect(problemSchema.strict().parse(body)).toEqual({
      type: `urn:pabx:problem:${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      code,
      detail: 'in English',
      errors: [{ field: 'f', message: 'm' }],
    });
    expect([
      answer.status,
      headers['content-type'],
      headers['content-language'],
      headers['retry-after'],
    ]).toEqual([status, 'application/problem+json; charset=utf-8', 'en', '7']);
    const portuguese = await get(`/problem/${code}`, 'pt');
    expect(portuguese.body).toMatchObject({ detail: 'em português', errors: [{ field: 'f', message: 'n' }] });
    expect(portuguese.body.title).not.toBe(body.title);
    expect(portuguese.headers['content-language']).toBe('pt');
  });

  const states: [string, ProblemCode][] = [
    ['22P02', 'INVALID_REQUEST'],
    ['23505', 'CONFLICT'],
    ['23503', 'CONFLICT'],
    ['23514', 'INVALID_REQUEST'],
    ['40P01', 'UNAVAILABLE'],
    ['57P01', 'UNAVAILABLE'],
    ['ECONNREFUSED', 'UNAVAILABLE'],
    ['42501', 'INTERNAL'],
    ['nothing', 'INTERNAL'],
  ];
  test.each(states)('an error %s of the database is %s, and its words stay here', async (state, code) => {
    const { body, text, status } = await get(`/sqlstate/${state}`);
    expect([body.code, status]).toEqual([code, PROBLEM_CODES[code]]);
    expect(text.includes('secret')).toBe(false);
  });
});

describe('language', () => {
  const headers: [string | undefined, 'en' | 'pt'][] = [
    [undefined, 'en'],
    ['', 'en'],
    ['pt', 'pt'],
    ['PT-br', 'pt'],
    ['pt-BR,pt;q=0.9,en;q=0.8', 'pt'],
    ['en-US,en;q=0.9,pt;q=0.8', 'en'],
    ['en;q=0.1, pt-BR;q=0.2', 'pt'],
    ['fr, pt;q=0.1', 'pt'],
    ['pt;q=0, en;q=0.1', 'en'],
    ['pt;q=abc', 'pt'],
    [';;;,,,q=1', 'en'],
    ['de', 'en'],
    ['x'.repeat(5_000), 'en'],
    ['*', 'en'],
  ];
  test.each(headers)('%j is answered in %s', async (header, language) => {
    const answer = await ask('GET', '/sales-plans?limit=0', {
      headers: header === undefined ? {} : { 'accept-language': header },
    });
    const [title, detail, message] =
      language === 'en'
        ? [
            'The request is not valid',
            'a value is not as it should be',
            'Too small: expected number to be >=1',
          ]
        : [
            'A requisição não é válida',
            'um valor não está como deveria',
            'Pequeno demais: esperava que o número fosse >= 1',
          ];
    expect(answer.body).toEqual({
      type: 'urn:pabx:problem:INVALID_REQUEST',
      title,
      status: 400,
      code: 'INVALID_REQUEST',
      detail,
      errors: [{ field: 'limit', message }],
    });
    expect(answer.headers['content-language']).toBe(language);
  });

  const texts: [string, object, string][] = [
    ['/lines', { extension: '190' }, '190 é um código público ou não é um ramal'],
    ['/lines', { area_code: '20' }, 'não é um DDD brasileiro, como 11'],
    ['/subscribers', { postal_code: '1' }, 'um CEP como 01001-000'],
    ['/subscribers', { document: '1' }, 'não é um CNPJ válido'],
    [
      '/subscribers',
      { credit_limit_micros: '-1' },
      'micro-reais de 0 a R$ 100 milhões, como inteiro em texto',
    ],
    ['/users', { username: '..' }, '3 a 64 letras, dígitos e . _ @ -, começando por letra ou dígito'],
  ];
  test.each(texts)('%s tells of %j in Portuguese', async (at, wrong, message) => {
    const { reseller_id, subscriber_id, sales_plan_id } = town.ours;
    const subscriber = {
      reseller_id,
      person_type: 'COMPANY',
      document: '33000167000101',
      billing_mode: 'PREPAID',
      sales_plan_id,
    };
    const body = {
      '/lines': { subscriber_id, extension: '777', name: 'x', area_code: '11' },
      '/subscribers': { ...subscriber, name: 'x', max_concurrent_calls: 1 },
      '/users': { name: 'x' },
    }[at];
    const answer = await ask('POST', at, {
      body: { ...body, ...wrong },
      headers: { 'accept-language': 'pt-BR' },
    });
    expect(answer.body.errors).toEqual([{ field: Object.keys(wrong)[0], message }]);
  });

  const WRONG = [
    undefined,
    null,
    7,
    -1,
    1e9,
    1.5,
    true,
    '',
    'x',
    '\u0000',
    'x'.repeat(400),
    [],
    ['x'],
    [{}],
    {},
    { x: 1 },
  ];
  /** Every message that a schema has for wrong values, in whatever field. */
  function messages(schema: z.ZodType): string[] {
    const shape = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    const bodies = [...WRONG, ...shape.flatMap((name) => WRONG.map((value) => ({ [name]: value })))];
    return bodies.flatMap((body) => {
      try {
        parse(schema, body, 'body');
        return [];
      } catch (error) {
        return (error as ProblemError).errors?.map(({ message }) => message) ?? [];
      }
    });
  }

  test('no message of any schema lacks a translation', () => {
    const all = ROUTES.flatMap(({ params, query, body }) => [params, query, body].flatMap(messages));
    expect(all.length).toBeGreaterThan(5_000);
    const parts = [...new Set(all)].map((message) => message.split('\u241E'));
    expect(parts.filter(([en, pt, ...more]) => !en || !pt || en === pt || more.length > 0)).toEqual([]);
  });

  test('no refusal in the sources lacks a translation', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
      // Read by scripts of switches (provisioning), and by operators at the command line.
      .filter((name) => name.endsWith('.ts') && !/provisioning\.ts$|^commands\/|^cli\.ts$/.test(name));
    const wrong = files.flatMap((name) => {
      const text = readFileSync(`src/${name}`, 'utf8');
      const details = [...text.matchAll(/new ProblemError\(\s*(?:'[A-Z_]+'|[\w.]+),\s*(['"`]?)/g)];
      const fields = [...text.matchAll(/\bmessage(?:: | = )\s*(['"`])/g)];
      const schemas = name.startsWith('contract/')
        ? [...text.matchAll(/\.(?:regex|refine|check|min|max)\((?:(?!say\()[^\n])*,\s*(['"`])/g)]
        : [];
      return [...details, ...fields, ...schemas]
        .filter(([, quote]) => quote)
        .map(([found]) => `${name}: ${found}`);
    });
    expect(wrong).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });
});

describe('versions', () => {
  const change = (id: string, tag: string | null, name: string) =>
    ask('PATCH', `/sales-plans/${id}`, { body: { name }, headers: tag === null ? {} : { 'if-match': tag } });

  test('an edit names the version that was read, and gets the next', async () => {
    const created = expectStatus(await ask('POST', '/sales-plans', { body: plan('Versões') }), 201);
    const { id } = created.body;
    expect(created.headers.etag).toBe('"1"');
    for (const tag of [null, '*', '1', '"x"', '"1", "2"', '""'])
      expect((await change(id, tag, 'x')).body.code, String(tag)).toBe('PRECONDITION_REQUIRED');
    for (const tag of ['"0"', '"2"', '"999999999"'])
      expect((await change(id, tag, 'x')).body.code).toBe('PRECONDITION_FAILED');
    const changed = expectStatus(await change(id, 'W/"1"', 'Versões 2'), 200);
    expect(changed.headers.etag).toBe('"2"');
    expect((await ask('GET', `/sales-plans/${id}`)).headers.etag).toBe('"2"');
    expect((await change(id, '"1"', 'x')).status).toBe(412);
  });

  const edited: [string, () => string, string][] = [
    ['sales plan', () => `/sales-plans/${town.ours.sales_plan_id}`, 'name'],
    ['minute bundle', () => `/minute-bundles/${town.ours.minute_bundle_id}`, 'name'],
    ['profile', () => `/permission-profiles/${town.ours.permission_profile_id}`, 'name'],
    ['subscriber', () => `/subscribers/${town.ours.subscriber_id}`, 'name'],
    ['line', () => `/lines/${town.ours.line_id}`, 'name'],
    ['number', () => `/numbers/${town.ours.did_id}`, 'target_line_id'],
    ['user', () => `/users/${town.ours.user_id}`, 'name'],
    ['reseller', () => `/resellers/${town.ours.reseller_id}`, 'name'],
    ['trunk', () => `/trunks/${town.trunk_id}`, 'name'],
    ['server', () => `/servers/${town.server_id}`, 'ami_host'],
  ];
  test.each(edited)('of five edits of a %s at once exactly one wins', async (_, at, field) => {
    const before = expectStatus(await ask('GET', at()), 200);
    const values = [1, 2, 3, 4, 5].map((n) => (field === 'target_line_id' ? null : `x${n}`));
    const headers = { 'if-match': String(before.headers.etag) };
    const answers = await Promise.all(
      values.map((value) => ask('PATCH', at(), { body: { [field]: value }, headers })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
    const won = answers.find(({ status }) => status === 200);
    expect((await ask('GET', at())).body).toEqual(won?.body);
    expect(won?.headers.etag).toBe(`"${before.body.version + 1}"`);
  });
});
