import { say } from '../contract/language.ts';
import {
  type PostalAddress,
  type PostalCodeReply,
  postalCodeSchema,
  stateSchema,
} from '../contract/postal-codes.ts';
import { isAreaCode } from '../domain/area-codes.ts';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_TEXT_LENGTH = 200;
const MAX_CACHED = 10_000;
const HOUR_MS = 3_600_000;
/** How long an outcome is believed. A service that is down may be up at the next question. */
const KEPT_MS = { FOUND: 24 * HOUR_MS, UNKNOWN: HOUR_MS, UNAVAILABLE: 0 } as const;

const ADVICE = {
  NO_STREET: say(
    'This postal code has no street of its own: type the street in.',
    'Este CEP não tem logradouro próprio: digite o logradouro.',
  ),
  UNKNOWN: say(
    'No such postal code was found: check it, or type the address in.',
    'CEP não encontrado: confira-o ou digite o endereço.',
  ),
  UNAVAILABLE: say(
    'The postal code cannot be looked up now: type the address in.',
    'Não é possível consultar o CEP agora: digite o endereço.',
  ),
} as const;

export interface PostalCodesOptions {
  /** Without a path: `https://viacep.com.br`. */
  readonly viacep_url: string;
  /** Without a path: `https://brasilapi.com.br`. */
  readonly brasilapi_url: string;
  /** For each of the two services, which are asked one after the other. */
  readonly timeout_ms?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Clock of the cache; only differences count. */
  readonly now_ms?: () => number;
}

export interface PostalCodes {
  /**
   * Looks a postal code up, with or without its hyphen. Whatever the services do gives a reply;
   * it rejects (a ZodError) only when the text is no postal code.
   */
  find(postal_code: string): Promise<PostalCodeReply>;
}

type Json = Readonly<Record<string, unknown>>;
type Reply = { readonly status: number; readonly body: Json };
type Answer = { kind: 'FOUND'; address: PostalAddress } | { kind: 'UNKNOWN' } | { kind: 'FAILED' };

interface Service {
  readonly source: 'VIACEP' | 'BRASILAPI';
  readonly url: (postal_code: string) => string;
  /** Throws a MalformedError for anything but an address or a clear no. */
  readonly read: (reply: Reply, postal_code: string) => Answer;
}

class MalformedError extends Error {}

function requireThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new MalformedError(what);
}

/** A bounded text on one line, or null for none. Characters that no screen shows become spaces. */
function readText(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  requireThat(typeof value === 'string', name);
  const text = value
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ')
    .trim()
    .normalize('NFC');
  requireThat(text.length <= MAX_TEXT_LENGTH, name);
  return text === '' ? null : text;
}

function readCity(value: unknown): string {
  const city = readText(value, 'city');
  requireThat(city !== null, 'city');
  return city;
}

function readState(value: unknown): PostalAddress['state'] {
  const state = stateSchema.safeParse(value);
  requireThat(state.success, 'state');
  return state.data;
}

function readIbgeCode(value: unknown): string | null {
  const code = readText(value, 'ibge');
  requireThat(code === null || /^\d{7}$/.test(code), 'ibge');
  return code;
}

function readAreaCode(value: unknown): string | null {
  const code = readText(value, 'ddd');
  requireThat(code === null || isAreaCode(code), 'ddd');
  return code;
}

function requireSameCode(value: unknown, postal_code: string): void {
  requireThat(typeof value === 'string' && value.replace('-', '') === postal_code, 'cep');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readViaCep({ status, body }: Reply, postal_code: string): Answer {
  requireThat(status === 200, 'status');
  if (body.erro === true || body.erro === 'true') return { kind: 'UNKNOWN' };
  requireSameCode(body.cep, postal_code);
  return {
    kind: 'FOUND',
    address: {
      street: readText(body.logradouro, 'logradouro'),
      district: readText(body.bairro, 'bairro'),
      city: readCity(body.localidade),
      state: readState(body.uf),
      ibge_code: readIbgeCode(body.ibge),
      area_code: readAreaCode(body.ddd),
    },
  };
}

function readBrasilApi({ status, body }: Reply, postal_code: string): Answer {
  // The name tells its own 404 from that of a proxy in front of it or of a wrong address.
  if (status === 404 && body.name === 'CepPromiseError') return { kind: 'UNKNOWN' };
  requireThat(status === 200, 'status');
  requireSameCode(body.cep, postal_code);
  return {
    kind: 'FOUND',
    address: {
      street: readText(body.street, 'street'),
      district: readText(body.neighborhood, 'neighborhood'),
      city: readCity(body.city),
      state: readState(body.state),
      ibge_code: isObject(body.ibge) ? readIbgeCode(body.ibge.city) : null,
      area_code: null,
    },
  };
}

/** Stops reading at the limit: a length that the service announces may be missing or wrong. */
async function readBody(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    requireThat(bytes <= MAX_BODY_BYTES, 'size');
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The object that a service answers; null when it gives none, for whatever reason. */
async function getJson(
  fetch: typeof globalThis.fetch,
  url: string,
  timeout_ms: number,
): Promise<Reply | null> {
  try {
    // The signal also covers the body, which may stop half-way.
    const signal = AbortSignal.timeout(timeout_ms);
    const headers = { accept: 'application/json' };
    const response = await fetch(url, { headers, redirect: 'error', signal });
    const body: unknown = JSON.parse(await readBody(response));
    return isObject(body) ? { status: response.status, body } : null;
  } catch {
    return null;
  }
}

/** Replies by postal code; the one stored first makes room. */
function createCache(now_ms: () => number) {
  const entries = new Map<string, { reply: PostalCodeReply; until_ms: number }>();
  return {
    get(postal_code: string): PostalCodeReply | undefined {
      const entry = entries.get(postal_code);
      if (entry && now_ms() < entry.until_ms) return entry.reply;
      entries.delete(postal_code);
      return undefined;
    },
    put(reply: PostalCodeReply): void {
      const kept_ms = KEPT_MS[reply.outcome];
      if (kept_ms === 0) return;
      entries.set(reply.postal_code, { reply, until_ms: now_ms() + kept_ms });
      const [oldest] = entries.keys();
      if (entries.size > MAX_CACHED && oldest !== undefined) entries.delete(oldest);
    },
  };
}

/** Looks postal codes up at ViaCEP, then at BrasilAPI, and remembers the answers in this process. */
export function createPostalCodes(options: PostalCodesOptions): PostalCodes {
  const { timeout_ms = 3000, fetch = globalThis.fetch, now_ms = () => performance.now() } = options;
  const viacep = options.viacep_url.replace(/\/+$/, '');
  const brasilapi = options.brasilapi_url.replace(/\/+$/, '');
  const services: readonly Service[] = [
    { source: 'VIACEP', url: (code) => `${viacep}/ws/${code}/json/`, read: readViaCep },
    { source: 'BRASILAPI', url: (code) => `${brasilapi}/api/cep/v1/${code}`, read: readBrasilApi },
  ];
  const cache = createCache(now_ms);
  const under_way = new Map<string, Promise<PostalCodeReply>>();

  async function ask(service: Service, postal_code: string): Promise<Answer> {
    const reply = await getJson(fetch, service.url(postal_code), timeout_ms);
    if (!reply) return { kind: 'FAILED' };
    try {
      return service.read(reply, postal_code);
    } catch (error) {
      if (error instanceof MalformedError) return { kind: 'FAILED' };
      throw error;
    }
  }

  async function askAll(postal_code: string): Promise<PostalCodeReply> {
    let outcome: 'UNKNOWN' | 'UNAVAILABLE' = 'UNAVAILABLE';
    for (const service of services) {
      const answer = await ask(service, postal_code);
      if (answer.kind === 'FOUND') {
        const { address } = answer;
        const advice = address.street === null ? ADVICE.NO_STREET : null;
        return { postal_code, outcome: 'FOUND', address, source: service.source, advice };
      }
      // A no of the first is not the end: the second may know newer codes.
      if (answer.kind === 'UNKNOWN') outcome = 'UNKNOWN';
    }
    return { postal_code, outcome, address: null, source: null, advice: ADVICE[outcome] };
  }

  function askOnce(postal_code: string): Promise<PostalCodeReply> {
    const running = under_way.get(postal_code);
    if (running) return running;
    const asked = askAll(postal_code)
      .then((reply) => {
        cache.put(reply);
        return reply;
      })
      .finally(() => under_way.delete(postal_code));
    under_way.set(postal_code, asked);
    return asked;
  }

  return {
    async find(text) {
      const postal_code = postalCodeSchema.parse(text);
      // A copy, because whoever puts the advice into one language must not change what is remembered.
      return structuredClone(cache.get(postal_code) ?? (await askOnce(postal_code)));
    },
  };
}
