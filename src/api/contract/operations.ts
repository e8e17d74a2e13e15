// Every operation of the HTTP API by its name, which is also its method in the client and its `operationId`.

import { integrationOperations, streamOperations } from './integrations.ts';
import { jobOperations } from './jobs.ts';
import { runOperations } from './runs.ts';
import { userOperations } from './users.ts';

export const OPERATIONS = {
  ...userOperations,
  ...integrationOperations,
  ...streamOperations,
  ...runOperations,
  ...jobOperations,
};

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
