// What an official document does not allow in an answer: for simulators, which are written by hand.

import { createLogger } from '@stoplight/prism-core';
import { createInstance } from '@stoplight/prism-http';
import { operationsOf, type Operation } from './spec-operations.ts';

export interface AnswerToCheck {
  readonly status: number;
  readonly body: unknown;
}

/** The operation of the document at this absolute path: `GET`, `/{Version}/{WABA-ID}/phone_numbers`. Throws for none. */
export async function operationAt(file: string, method: string, path: string): Promise<Operation> {
  const operations = await operationsOf(file);
  const found = operations.find((one) => one.method === method.toLowerCase() && one.path === path);
  if (found === undefined) throw new Error(`expected ${method} ${path} in ${file}`);
  return found;
}

/** One sentence per violation; none: the document allows this answer to its operation. */
export async function answerViolations(operation: Operation, { status, body }: AnswerToCheck): Promise<string[]> {
  const headers = { 'content-type': 'application/json' };
  const checker = createInstance(
    {
      isProxy: false,
      validateRequest: false,
      validateResponse: true,
      checkSecurity: false,
      errors: false,
      upstreamProxy: undefined,
      mock: { dynamic: false },
    },
    {
      logger: createLogger('contract', { enabled: false }),
      mock: () => () => ({ _tag: 'Right', right: { statusCode: status, headers, body } }),
    },
  );
  const request = { method: operation.method as 'get', url: { path: operation.path } };
  const result = await checker.request(request, [operation])();
  if (result._tag === 'Left') throw result.left;
  return result.right.validations.output.map(({ path = [], message }) => `${path.join('.')}: ${message}`);
}
