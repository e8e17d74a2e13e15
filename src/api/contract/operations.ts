// Every operation of the HTTP API by its name, which is also its method in the client and its `operationId`.

import { queueHistoryOperations } from './queue-history.ts';
import { userOperations } from './users.ts';

export const OPERATIONS = {
  ...queueHistoryOperations,
  ...userOperations,
};

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
