import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPostalCodes, type PostalCodesOptions } from '../../src/admin/find-postal-code.ts';
import { inLanguage } from '../../src/contract/language.ts';
import { postalCodeReplySchema, postalCodeSchema, stateSchema } from '../../src/contract/postal-codes.ts';

type Act = (response: ServerResponse) => void;

const json =
  (body: unknown, status = 200): Act =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const raw =
  (body: string | Buffer, status = 200): Act =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end(body);

const CEP = '01001000';
const SE = { cep: '01001-000', logradouro: 'Praça da Sé', complemento: 'lado ímpar', bairro: 'Sé' };
const VIA = {
  ...SE,
  localidade: 'São Paulo',
  uf: 'SP',
  ibge: '3550308',
  gia: '1004',
  ddd: '11',
  siafi: '7107',
};
const BRASIL = {
  ...{ cep: CEP, state: 'SP', city: 'São Paulo', neighborhood: 'Sé', street: 'Praça da Sé' },
  ...{ service: 'open-cep', ibge: { city: '3550308', state: '35' } },
};
const ADDRESS = {
  ...{ street: 'Praça da Sé', district: 'Sé', city: 'São Paulo', state: 'SP' },
  ...{ ibge_code: '3550308', area_code: '11' },
};
const refusal = (type: string, message: string) => ({ name: 'CepPromiseError', message, type, errors: [] });

const via = (changes: object = {}) => json({ ...VIA, ...changes });
const brasil = (changes: object = {}) => json({ ...BRASIL, ...changes });
/** Each service in its own shape, so that nothing but the change is wrong. */
const both =
  (via: object, brasil: object, status = 200): Act =>
  (response) =>
    json(
      response.req.url?.startsWith('/ws/') ? { ...VIA, ...via } : { ...BRASIL, ...brasil },
      status,
    )(response);
const NO_VIA = json({ erro: true });
const NO_BRASIL = json(refusal('service_error', 'Todos os serviços de CEP retornaram erro.'), 404);
const BAD_BRASIL = json(refusal('validation_error', 'CEP deve conter exatamente 8 caracteres.'), 400);
const HANG: Act = () => {};
const STALL: Act = (response) => void response.writeHead(200).write('{"cep":');
const CLOSE: Act = (response) => void response.destroy();
const CUT: Act = (response) => {
  response.writeHead(200, { 'content-length': '500' });
  response.write('{"cep":', () => response.destroy());
};
const MOVED: Act = (response) => void response.writeHead(302, { location: '/moved' }).end();
const PADDING = 'x'.repeat(64 * 1024);
const ENDLESS: Act = (response) => {
  response.writeHead(200);
  const pour = () => {
    while (!response.destroyed && response.write(PADDING));
  };
  response.on('drain', pour);
  pour();
};

let server: Server;
let base_url: string;
let acts: { via: Act; brasil: Act };
let asked: string[];

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    // Where MOVED leads is a good answer, which must not be fetched.
    if (url === '/moved') return via()(response);
    return url.startsWith('/ws/') ? acts.via(response) : acts.brasil(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  acts = { via: via(), brasil: brasil() };
  asked = [];
});

const create = (options: Partial<PostalCodesOptions> = {}) =>
  createPostalCodes({ viacep_url: base_url, brasilapi_url: `${base_url}/`, timeout_ms: 2000, ...options });

const find = async (via: Act, brasil: Act, timeout_ms = 2000) => {
  acts = { via, brasil };
  const reply = await create({ timeout_ms }).find(CEP);
  expect(postalCodeReplySchema.parse(reply)).toEqual(reply);
  return reply;
};

describe('ViaCEP, asked first', () => {
  test('gives the address, and BrasilAPI is not asked', async () => {
    expect(await find(via(), brasil())).toEqual({
      ...{ postal_code: CEP, outcome: 'FOUND', address: ADDRESS, source: 'VIACEP', advice: null },
    });
    expect(asked).toEqual([`/ws/${CEP}/json/`]);
  });

  const shapes: [string, object, object][] = [
    ['hyphen missing', { cep: CEP }, {}],
    ['one-code town', { logradouro: '', bairro: '' }, { street: null, district: null }],
    ['street null', { logradouro: null }, { street: null }],
    ['street absent', { logradouro: undefined }, { street: null }],
    ['blank street', { logradouro: ' \t ' }, { street: null }],
    ['control characters', { logradouro: 'Praça\u0000 da\r\n\u202e Sé\ud800' }, { street: 'Praça da Sé' }],
    ['decomposed accents', { logradouro: 'Prac\u0327a da Se\u0301' }, { street: 'Praça da Sé' }],
    ['no codes', { ibge: '', ddd: '' }, { ibge_code: null, area_code: null }],
    ['erro false', { erro: false }, {}],
    ['longest street', { logradouro: 'x'.repeat(200) }, { street: 'x'.repeat(200) }],
    ['newer members', { unidade: '', estado: 'São Paulo', regiao: 'Sudeste' }, {}],
  ];
  test.each(shapes)('%s', async (_, changes, expected) => {
    const reply = await find(via(changes), BAD_BRASIL);
    expect(reply).toMatchObject({ outcome: 'FOUND', source: 'VIACEP', address: { ...ADDRESS, ...expected } });
  });

  test('an address without street asks the person for it', async () => {
    const { advice } = await find(via({ logradouro: '' }), brasil());
    expect(inLanguage(advice ?? '', 'en')).toContain('type the street in');
    expect(inLanguage(advice ?? '', 'pt')).toContain('digite o logradouro');
  });
});

const UNKNOWN: [string, Act][] = [
  ['erro true', NO_VIA],
  ['erro "true"', json({ erro: 'true' })],
];

const LATIN_1: Act = (response) => {
  const body = response.req.url?.startsWith('/ws/') ? VIA : BRASIL;
  raw(Buffer.from(JSON.stringify(body), 'latin1'))(response);
};

const FAULTS: [string, Act][] = [
  ['400', raw('<h1>Http 400</h1>', 400)],
  ['400 in JSON', BAD_BRASIL],
  ['404 of a proxy, in HTML', raw('<h1>Not found</h1>', 404)],
  ['404 of a proxy, in JSON', json({ error: { code: '404' } }, 404)],
  ['429', json({ message: 'Too many requests' }, 429)],
  ['500', json({ message: 'oops' }, 500)],
  ['503 in HTML', raw('<h1>Service unavailable</h1>', 503)],
  ['201', both({}, {}, 201)],
  ['204', (response) => void response.writeHead(204).end()],
  ['never answers', HANG],
  ['stops half-way', STALL],
  ['closes the connection', CLOSE],
  ['closes half-way', CUT],
  ['redirects', MOVED],
  ['HTML', raw('<html><body>Em manutenção</body></html>')],
  ['half JSON', raw(JSON.stringify(VIA).slice(0, 60))],
  ['empty', raw('')],
  ['null', json(null)],
  ['list', json([VIA, BRASIL])],
  ['empty object', json({})],
  ['not UTF-8', LATIN_1],
  ['too large by a little', both({ padding: PADDING }, { padding: PADDING })],
  ['endless', ENDLESS],
  ...['01001-001', '1001000', '', null, 1001000].map((cep): [string, Act] => [
    `answers for ${JSON.stringify(cep)}`,
    both({ cep }, { cep }),
  ]),
  ['street is a number', both({ logradouro: 7 }, { street: 7 })],
  ['street too long', both({ logradouro: 'x'.repeat(201) }, { street: 'x'.repeat(201) })],
  ['district is an object', both({ bairro: {} }, { neighborhood: {} })],
  ['no city', both({ localidade: '' }, { city: '' })],
  ['no such state', both({ uf: 'XX' }, { state: 'XX' })],
  ['state in lower case', both({ uf: 'sp' }, { state: 'sp' })],
  ['IBGE code too short', both({ ibge: '355030' }, { ibge: { city: '355030' } })],
];

describe('ViaCEP fails or does not know: BrasilAPI is asked', () => {
  const areas: [string, Act][] = ['10', '011', '1', 'SP'].map((ddd) => [`area code ${ddd}`, via({ ddd })]);
  test.each([...UNKNOWN, ...FAULTS, ...areas])('%s', async (_, act) => {
    const reply = await find(act, brasil(), 150);
    const address = { ...ADDRESS, area_code: null };
    expect(reply).toEqual({ postal_code: CEP, outcome: 'FOUND', address, source: 'BRASILAPI', advice: null });
    expect(asked).toEqual([`/ws/${CEP}/json/`, `/api/cep/v1/${CEP}`]);
  });

  const shapes: [string, object, object][] = [
    ['hyphen', { cep: '01001-000' }, {}],
    ['street and district null', { street: null, neighborhood: null }, { street: null, district: null }],
    ['no IBGE code', { ibge: undefined }, { ibge_code: null }],
    ['IBGE code null', { ibge: { city: null } }, { ibge_code: null }],
  ];
  test.each(shapes)('BrasilAPI: %s', async (_, changes, expected) => {
    const { outcome, address } = await find(NO_VIA, brasil(changes));
    expect(outcome).toBe('FOUND');
    expect(address).toEqual({ ...ADDRESS, area_code: null, ...expected });
  });
});

describe('neither has an address', () => {
  test.each(FAULTS)('ViaCEP refuses connections and BrasilAPI: %s; unavailable', async (_, act) => {
    acts = { via: via(), brasil: act };
    const reply = await create({ viacep_url: 'http://127.0.0.1:1', timeout_ms: 150 }).find(CEP);
    expect(reply).toMatchObject({ postal_code: CEP, outcome: 'UNAVAILABLE', address: null, source: null });
    expect(inLanguage(reply.advice ?? '', 'en')).toContain('type the address in');
    expect(inLanguage(reply.advice ?? '', 'pt')).toContain('digite o endereço');
    expect(asked).toEqual([`/api/cep/v1/${CEP}`]);
  });

  const nos: [string, Act, Act][] = [
    ['both say no', NO_VIA, NO_BRASIL],
    ['ViaCEP says "true", BrasilAPI is down', json({ erro: 'true' }), raw('', 503)],
    ['ViaCEP says no, BrasilAPI calls it malformed', NO_VIA, BAD_BRASIL],
    ['ViaCEP is down, BrasilAPI says no', raw('', 500), NO_BRASIL],
    ['ViaCEP calls it malformed, BrasilAPI says no', raw('', 400), NO_BRASIL],
  ];
  test.each(nos)('%s: unknown', async (_, first, second) => {
    const reply = await find(first, second);
    expect(reply).toMatchObject({ postal_code: CEP, outcome: 'UNKNOWN', address: null, source: null });
    expect(inLanguage(reply.advice ?? '', 'en')).toContain('check it');
    expect(inLanguage(reply.advice ?? '', 'pt')).toContain('confira');
  });

  test('two services that hang cost two time-outs and no more', async () => {
    const start_ms = performance.now();
    expect((await find(HANG, STALL, 100)).outcome).toBe('UNAVAILABLE');
    expect(performance.now() - start_ms).toBeLessThan(1000);
  });
});

describe('what is remembered', () => {
  const HOUR_MS = 3_600_000;
  const outcomes: [string, Act, Act, number, number][] = [
    ['FOUND', via(), brasil(), 1, 24 * HOUR_MS],
    ['UNKNOWN', NO_VIA, NO_BRASIL, 2, HOUR_MS],
    ['UNAVAILABLE', raw('', 500), raw('', 500), 2, 0],
  ];
  test.each(outcomes)('%s', async (outcome, first, second, requests, kept_ms) => {
    acts = { via: first, brasil: second };
    let now_ms = 5_000;
    const codes = create({ now_ms: () => now_ms });
    const reply = await codes.find(CEP);
    expect(reply.outcome).toBe(outcome);
    if (kept_ms > 0) {
      now_ms += kept_ms - 1;
      expect(await codes.find('01001-000')).toEqual(reply);
      expect(asked).toHaveLength(requests);
      now_ms += 1;
    }
    expect(await codes.find(CEP)).toEqual(reply);
    expect(asked).toHaveLength(2 * requests);
  });

  test('whoever changes a reply does not change what is remembered', async () => {
    const codes = create();
    const reply = await codes.find(CEP);
    if (reply.address) reply.address.city = 'changed';
    expect((await codes.find(CEP)).address).toEqual(ADDRESS);
  });

  test('questions at the same time share one request, also one that fails', async () => {
    const codes = create();
    const replies = await Promise.all(['01001-000', CEP, CEP].map(codes.find));
    expect(replies.map(({ outcome }) => outcome)).toEqual(['FOUND', 'FOUND', 'FOUND']);
    expect(asked).toHaveLength(1);

    acts = { via: CLOSE, brasil: CLOSE };
    asked = [];
    const failing = create();
    const failed = await Promise.all([CEP, CEP, CEP].map(failing.find));
    expect(failed.map(({ outcome }) => outcome)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    const once_each = asked.length;
    await failing.find(CEP);
    expect([once_each, asked.length]).toEqual([2, 4]);
  });

  test('other postal codes are other questions', async () => {
    const codes = create();
    await Promise.all([codes.find(CEP), codes.find('01001-001')]);
    expect(asked.filter((url) => url.startsWith('/ws/'))).toHaveLength(2);
  });

  test('10,000 entries; the oldest makes room', async () => {
    // Ten thousand connections would test the machine: this one service answers without them.
    const questions: string[] = [];
    const answer = async (url: string | URL | Request) => {
      const cep = /\/ws\/(\d{8})\//.exec(String(url))?.[1] ?? '';
      questions.push(cep);
      return Response.json({ ...VIA, cep });
    };
    const codes = create({ fetch: answer });
    const code = (n: number) => String(10_000_000 + n);
    for (let n = 0; n < 10_000; n += 1) await codes.find(code(n));
    await codes.find(code(0));
    expect(questions).toHaveLength(10_000);
    await codes.find(code(10_000));
    await codes.find(code(1));
    expect(questions).toHaveLength(10_001);
    await codes.find(code(0));
    expect(questions.slice(10_001)).toEqual([code(0)]);
  });
});

describe('postal codes as written', () => {
  test.each(['01001-000', '01001000'])('%s', (text) => expect(postalCodeSchema.parse(text)).toBe(CEP));

  const wrong = [
    '',
    '0100100',
    '010010000',
    '0100-1000',
    '01001--000',
    ' 01001000',
    '01001000\n',
    '٠١٠٠١٠٠٠',
  ];
  test.each([...wrong, '../../api'])('not %j, and no service is asked', async (text) => {
    const error = postalCodeSchema.safeParse(text).error?.issues[0]?.message ?? '';
    expect(inLanguage(error, 'en')).toMatch(/8 digits/);
    expect(inLanguage(error, 'pt')).toMatch(/8 dígitos/);
    await expect(create().find(text)).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  test('27 states', () => expect(new Set(stateSchema.options).size).toBe(27));
});
