// What Prism says of one operation of a document: whether a request is valid, and what a valid answer looks like.

import { createLogger } from '@stoplight/prism-core';
import { createInstance, type IHttpConfig, type IHttpRequest } from '@stoplight/prism-http';
import type { Operation } from './spec-operations.ts';

export interface AnswerOptions {
  /**
   * What answers hold: `examples` of the document (example number `seed` where an operation has several), `generated`
   * values of every member, or `sparse`: generated, some optional members missing.
   */
  readonly answers: 'examples' | 'generated' | 'sparse';
  readonly seed: number;
  /** Answer with this status, or with an empty 404 where an operation does not document it; absent: success. */
  readonly status?: number;
}

export interface MockAnswer {
  readonly status: number;
  readonly body: unknown;
}

const CONFIG = {
  isProxy: false,
  validateRequest: false,
  validateResponse: false,
  checkSecurity: false,
  errors: false,
  upstreamProxy: undefined,
  mock: { dynamic: true },
} as const satisfies IHttpConfig;

const logger = createLogger('contract', { enabled: false });

/** Answers nothing: to an invalid request Prism would answer with a documented refusal, and not say what is wrong. */
const checker = createInstance(
  { ...CONFIG, validateRequest: true, checkSecurity: true },
  { logger, mock: () => () => ({ _tag: 'Right', right: { statusCode: 200 } }) },
);

const answerer = createInstance(CONFIG, { logger });

/** What the document does not allow in this request, one sentence each. */
export async function violationsOf(operation: Operation, request: IHttpRequest): Promise<string[]> {
  const result = await checker.request(withoutEmptyBody(operation, request), [operation])();
  if (result._tag === 'Left') throw result.left;
  const found = result.right.validations.input.map(({ path = [], message }) => `${path.join('.')}: ${message}`);
  // Prism lets parameters pass that the document does not have; platforms ignore them, and answer something else.
  const known = new Set(operation.request?.query?.map(({ name }) => name));
  const unknown = Object.keys(request.url.query ?? {}).filter((name) => !known.has(name));
  return [...found, ...unknown.map((name) => `query.${name}: the document knows no such parameter`)];
}

/** An empty object says as little as no body, which some documents want: the platform takes both. */
function withoutEmptyBody(operation: Operation, request: IHttpRequest): IHttpRequest {
  if (operation.request?.body !== undefined || JSON.stringify(request.body) !== '{}') return request;
  const { 'content-type': _type, 'content-length': _length, ...headers } = request.headers ?? {};
  return { method: request.method, url: request.url, headers };
}

/** Parts of this request that Prism lets pass whatever they hold: it says nothing of schemas that it cannot read. */
export async function unchecked(operation: Operation, request: IHttpRequest): Promise<string[]> {
  const { query = {} } = request.url;
  const name = Object.keys(query).find((candidate) => {
    const type = operation.request?.query?.find((parameter) => parameter.name === candidate)?.schema?.type;
    return type === 'integer' || type === 'number' || type === 'boolean';
  });
  const wrong: [string, IHttpRequest][] = [
    ...(request.body === undefined || operation.request?.body === undefined
      ? []
      : [['body', { ...request, body: 42 }] as [string, IHttpRequest]]),
    ...(name === undefined
      ? []
      : [
          ['query', { ...request, url: { ...request.url, query: { ...query, [name]: 'x' } } }] as [
            string,
            IHttpRequest,
          ],
        ]),
  ];
  const passed: string[] = [];
  for (const [part, candidate] of wrong) {
    const found = await violationsOf(operation, candidate);
    if (!found.some((words) => words.startsWith(part))) passed.push(`${part}: cannot be checked`);
  }
  return passed;
}

/** An answer that is valid by the document. Throws when Prism cannot make one. */
export async function answerTo(
  operation: Operation,
  request: IHttpRequest,
  { answers, seed, status }: AnswerOptions,
): Promise<MockAnswer> {
  const documented = operation.responses.find(({ code }) =>
    status === undefined ? code.startsWith('2') : code === String(status),
  );
  if (documented === undefined) return { status: 404, body: {} };
  const keys = documented.contents?.[0]?.examples?.map(({ key }) => key) ?? [];
  const isExample = answers === 'examples';
  const config: IHttpConfig = {
    ...CONFIG,
    mock: {
      dynamic: !isExample,
      ignoreExamples: !isExample,
      seed: `${seed}`,
      code: Number(documented.code),
      ...(isExample && keys.length > 0 ? { exampleKey: keys[seed % keys.length]! } : {}),
    },
  };
  const result = await answerer.request(request, [operation], config)();
  if (result._tag === 'Left') throw result.left;
  const { statusCode, body } = result.right.output;
  return { status: statusCode, body };
}

/** The page after the last one: lists are empty, numbers 0 and flags false. */
export function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, emptied(member)]));
  if (typeof value === 'number') return 0;
  return typeof value === 'boolean' ? false : value;
}
