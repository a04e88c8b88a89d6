import { createUserRoute } from '../../src/contract/users.ts';
import type { Answer, TestApi } from './use-api.ts';

const HOST = 'painel.example';
export const ORIGIN = `https://${HOST}`;
export const SESSION = '__Host-pabx';

type Headers = Readonly<Record<string, string | null>>;

/** Keeps cookies as a browser does, and asks as a page of the panel: with its Origin wherever something changes. */
export interface Browser {
  readonly cookies: Map<string, string>;
  readonly address: string;
  /** A header of null is not sent. */
  ask(method: string, url: string, body?: unknown, headers?: Headers): Promise<Answer>;
  signIn(person: Pick<Person, 'username' | 'password'>, code?: string, headers?: Headers): Promise<Answer>;
}

/** Passwords, tokens and codes of this file's browsers: nothing of it may be in a log or a list. */
export const secrets = new Set<string>();

let addresses = 0;

export const setCookies = ({ headers }: Answer): string[] => [headers['set-cookie'] ?? []].flat().map(String);

/** Each browser has an address of its own: X-Forwarded-For must be believed (`trust_proxy`). */
export function openBrowser(api: TestApi, cookies = new Map<string, string>()): Browser {
  addresses += 1;
  const address = `203.0.113.${addresses}`;
  const ask: Browser['ask'] = async (method, url, body, headers = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const all: Headers = {
      host: HOST,
      'x-forwarded-for': address,
      cookie: cookie || null,
      origin: method === 'GET' ? null : ORIGIN,
      ...headers,
    };
    const sent = Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    const answer = await api.ask(null, method, url, {
      ...(body === undefined ? {} : { body }),
      headers: sent,
    });
    for (const text of setCookies(answer)) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      if (/max-age=0/i.test(text)) cookies.delete(name);
      else {
        cookies.set(name, value);
        secrets.add(value);
      }
    }
    return answer;
  };
  const signIn: Browser['signIn'] = ({ username, password }, code, headers) => {
    for (const secret of [password, code]) if (secret !== undefined) secrets.add(secret);
    const body = { username, password, ...(code === undefined ? {} : { code }) };
    return ask('POST', '/api/v1/session', body, headers);
  };
  return { cookies, address, ask, signIn };
}

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly password: string;
}

let people = 0;

/** A user with a password that is known; of the master's unless it belongs to somebody. */
export async function addPerson(
  api: TestApi,
  masterKey: string,
  owner: { readonly reseller_id?: string; readonly subscriber_id?: string } = {},
): Promise<Person> {
  people += 1;
  const [username, password] = [`pessoa.${people}`, `quatorze gatos ${people}`];
  const body = { ...owner, username, name: `Maria ${people}`, password };
  const { id } = await api.client(masterKey)(createUserRoute, { body });
  return { id, username, password };
}

/** A person that is signed in. */
export async function signedIn(api: TestApi, person: Person): Promise<Browser> {
  const browser = openBrowser(api);
  const { status, text } = await browser.signIn(person);
  if (status !== 201) throw new Error(`signing in failed: ${status} ${text}`);
  return browser;
}
