// A platform as its own OpenAPI documents describe it, over real HTTP: Prism checks every request and makes every answer. It
// knows no state: an operation answers with content so often, then with empty pages, so that paging ends.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { IHttpRequest } from '@stoplight/prism-http';
import { onTestFinished } from 'vitest';
import { createRandom, hashText } from '../../simulators/random.ts';
import { answerTo, emptied, unchecked, violationsOf, type AnswerOptions, type MockAnswer } from './prism-operation.ts';
import { hinted, operationsOf, sparse, type Operation } from './spec-operations.ts';

export interface SpecMockOptions extends AnswerOptions {
  /** Absolute paths of OpenAPI documents, JSON or YAML. An operation that several describe: the first is taken. */
  readonly files: readonly string[];
  /** First path segments for the operations of a server's host, with a leading slash; absent: none. */
  readonly prefixOf?: (host: string) => string;
  /** How many answers of one operation hold something before they are empty; 1 by default. */
  readonly fullAnswers?: number;
}

export interface Exchange {
  /** `POST /content-api/content/v2/get/cards/list` in the document's words; of an unknown one as it was asked. */
  readonly operation: string;
  /** What the document does not allow in this request; none: it is valid. */
  readonly violations: readonly string[];
  readonly status: number;
}

export interface SpecMock {
  readonly origin: string;
  readonly exchanges: readonly Exchange[];
}

interface Mounted {
  /** `POST /content-api/content/v2/get/cards/list`. */
  readonly name: string;
  readonly method: string;
  /** Of the whole path. */
  readonly pattern: RegExp;
  readonly prefix: string;
  readonly operation: Operation;
}

/** Starts a mock that ends with the test. Throws when a document cannot be read. */
export async function startSpecMock(options: SpecMockOptions): Promise<SpecMock> {
  const exchanges: Exchange[] = [];
  const mounted = await mount(options);
  const asked = new Map<string, number>();
  const answers = new Map<string, MockAnswer>();
  const exchange = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const input = await inputOf(request);
    const place = mounted.find(({ method, pattern }) => method === input.method && pattern.test(input.url.path));
    if (place === undefined) {
      const operation = `${request.method} ${input.url.path}`;
      exchanges.push({ operation, violations: ['the documents know no such operation'], status: 404 });
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const { name, prefix, operation } = place;
    const inside = { ...input, url: { ...input.url, path: input.url.path.slice(prefix.length) } };
    const isFirst = !answers.has(name);
    const answer = answers.get(name) ?? (await answerTo(answering(place, options), inside, options));
    answers.set(name, answer);
    const blind = isFirst ? await unchecked(operation, inside) : [];
    const violations = [...blind, ...(await violationsOf(operation, inside))];
    const times = asked.get(name) ?? 0;
    asked.set(name, times + 1);
    const { status } = answer;
    const body = times < (options.fullAnswers ?? 1) ? answer.body : emptied(answer.body);
    exchanges.push({ operation: name, violations, status });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    exchange(request, response).catch((error: unknown) => {
      const violations = [`the mock could not answer: ${String(error)}`];
      exchanges.push({ operation: `${request.method} ${request.url}`, violations, status: 500 });
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges };
}

/** Concrete paths before templates that they would match. */
async function mount({ files, prefixOf = () => '' }: SpecMockOptions): Promise<readonly Mounted[]> {
  const operations = (await Promise.all(files.map(operationsOf))).flat();
  const mounted = operations.flatMap((operation) => {
    const { method, path } = operation;
    return serversOf(operation).map(({ hostname, pathname }) => {
      const prefix = `${prefixOf(hostname)}${pathname.replace(/\/+$/, '')}`;
      const whole = `${prefix}${path}`;
      return { name: `${method.toUpperCase()} ${whole}`, method, pattern: patternOf(whole), prefix, operation };
    });
  });
  const templates = ({ operation: { path } }: Mounted): number => path.split('{').length;
  return mounted.toSorted((one, other) => templates(one) - templates(other));
}

/** The operation that its answers are made of. */
function answering({ name, operation }: Mounted, { answers, seed }: SpecMockOptions): Operation {
  if (answers === 'examples') return operation;
  return hinted(answers === 'sparse' ? sparse(operation, createRandom(seed + hashText(name))) : operation);
}

function serversOf({ servers = [] }: Operation): URL[] {
  return servers.length === 0 ? [new URL('http://localhost')] : servers.map(({ url }) => new URL(url, 'https://host'));
}

function patternOf(template: string): RegExp {
  const parts = template.split(/\{[^}]*\}/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}

async function inputOf(request: IncomingMessage): Promise<IHttpRequest> {
  const { method = 'GET', url = '', headers } = request;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const query = [...new Set(searchParams.keys())].map((name) => {
    const values = searchParams.getAll(name);
    return [name, values.length === 1 ? values[0]! : values] as const;
  });
  const written = await text(request);
  const isJson = headers['content-type']?.startsWith('application/json') ?? false;
  return {
    method: method.toLowerCase() as IHttpRequest['method'],
    url: { path: pathname, query: Object.fromEntries(query) },
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(written === '' ? {} : { body: isJson ? (JSON.parse(written) as unknown) : written }),
  };
}
