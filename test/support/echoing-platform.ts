// Stands in front of the simulated Upwork and repeats the credential of each request in the way that its account asks for:
// in bodies, headers, messages, addresses and records, whole, encoded and cut off.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import type { Canary } from './canaries.ts';

/** How an account's requests are answered; `none`: like the simulator. */
export const ECHOES = [
  'none',
  'denied',
  'broken',
  'page',
  'graphql',
  'cut',
  'beside',
  'redirect',
  'around',
  'records',
  'reset',
  'dead-grant',
  'quoted-grant',
  'renewed',
] as const;
export type Echo = (typeof ECHOES)[number];

export interface EchoingPlatform {
  /** For `UPWORK_BASE_URL`. */
  readonly baseUrl: string;
  /** Ways in which a request was answered so far. */
  readonly seen: ReadonlySet<Echo>;
  /** Every credential that was ever handed out. */
  readonly canaries: readonly Canary[];
  addAccount(echo: Echo): AddedAccount;
  stop(): Promise<void>;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Access token, or refresh token and secret of the app. */
  readonly token: string;
}

function sayJson({ response, token }: Asked, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-echo': token, etag: `"${token}"` });
  response.end(JSON.stringify(value));
}

function sentence(token: string): string {
  const encoded = ['base64', 'base64url', 'hex'].map((form) => Buffer.from(token).toString(form as BufferEncoding));
  return `your token ${token} (${encoded.join(', ')}) is not welcome`;
}

/** The first records of a list with the token where something else belongs. */
function spoil(value: unknown, token: string): void {
  if (typeof value !== 'object' || value === null) return;
  const { edges } = value as { edges?: { node?: Record<string, unknown> }[] };
  if (!Array.isArray(edges)) {
    for (const member of Object.values(value)) spoil(member, token);
    return;
  }
  const [titled, named, keyed] = edges.map(({ node }) => node);
  if (titled !== undefined) titled['title'] = `Wanted: ${token}`;
  if (named !== undefined) Object.assign(named, { title: null, [token]: token });
  if (keyed !== undefined) Object.assign(keyed, { id: token, title: null });
}

/** Answers by itself where the way is not the simulator's; true when it did. */
function answered(asked: Asked, echo: Echo): boolean {
  const { request, response, token } = asked;
  const says = sentence(token);
  if (request.url!.includes('oauth2/token')) {
    if (echo === 'dead-grant') sayJson(asked, 400, { error: 'invalid_grant', error_description: says });
    else if (echo === 'quoted-grant') sayJson(asked, 400, { error: says });
    else return false;
    return true;
  }
  if (echo === 'denied') sayJson(asked, 403, { error: says, error_description: says });
  else if (echo === 'broken') sayJson(asked, 500, { error: says });
  else if (echo === 'page') response.writeHead(403, { 'content-type': 'text/html' }).end(`<html><h1>${says}</h1>`);
  else if (echo === 'graphql')
    sayJson(asked, 200, { errors: [{ message: says, extensions: { code: token } }], data: null });
  else if (echo === 'cut')
    // A connector that keeps 300 characters of a message keeps most of this token.
    sayJson(asked, 200, { errors: [{ message: `${'x'.repeat(300 - token.length + 4)}${token}` }], data: null });
  else if (echo === 'redirect')
    response.writeHead(302, { location: `https://elsewhere.test/${token}?token=${token}#${token}` }).end();
  else if (echo === 'around') response.writeHead(307, { location: `/api/${token}?token=${token}` }).end();
  else if (echo === 'reset') request.socket.destroy();
  else if (echo === 'dead-grant' || echo === 'quoted-grant') sayJson(asked, 401, { error: says });
  else return false;
  return true;
}

/** A started platform with postings. */
export async function startEchoingPlatform(): Promise<EchoingPlatform> {
  const upwork = createUpworkSimulator();
  upwork.state.addPostings(generatePostings({ count: 60, newest: new Date() }));
  await upwork.start();
  const echoOf = new Map<string, Echo>();
  const seen = new Set<Echo>();
  const canaries: Canary[] = [{ name: 'client secret', value: upwork.oauth.app.clientSecret }];
  const learn = (echo: Echo, access: string, refresh: string): void => {
    canaries.push(
      { name: `access token (${echo})`, value: access },
      { name: `refresh token (${echo})`, value: refresh },
    );
    for (const token of [access, refresh]) echoOf.set(token, echo);
  };

  async function pass({ request, response, body, token }: Asked, echo: Echo): Promise<void> {
    const { authorization, 'content-type': type, ...others } = request.headers;
    const tenant = Object.entries(others).filter(([name]) => name.startsWith('x-'));
    const headers = new Headers(tenant as [string, string][]);
    if (authorization !== undefined) headers.set('authorization', authorization);
    if (type !== undefined) headers.set('content-type', type);
    const passed = await fetch(upwork.baseUrl + request.url!, { method: request.method!, headers, body });
    const answer = (await passed.json()) as Record<string, unknown>;
    if (typeof answer['access_token'] === 'string')
      learn('none', answer['access_token'], String(answer['refresh_token']));
    if (echo === 'records') spoil(answer, token);
    if (echo === 'beside') answer['errors'] = [{ message: sentence(token), path: [token] }];
    response.writeHead(passed.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const form = new URLSearchParams(body.toString());
    const token = request.headers.authorization?.replace(/^bearer /i, '') ?? form.get('refresh_token') ?? '';
    const echo = echoOf.get(token) ?? 'none';
    seen.add(echo);
    if (echo === 'renewed' && request.headers.authorization !== undefined)
      return sayJson({ request, response, body, token }, 401, { error: sentence(token) });
    const secret = form.get('client_secret');
    const asked = { request, response, body, token: secret === null ? token : `${token} ${secret}` };
    if (!answered(asked, echo)) await pass({ ...asked, token }, echo);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    canaries,
    addAccount(echo) {
      const added = upwork.addAccount();
      learn(echo, added.credentials.access_token, added.credentials.refresh_token);
      return added;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await upwork.stop();
    },
  };
}
