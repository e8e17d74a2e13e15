// Every operation of the HTTP API by its name, which is also its method in the client and its `operationId`.

import { integrationOperations, streamOperations } from './integrations.ts';
import { jobOperations } from './jobs.ts';
import { messageOperations } from './messages.ts';
import { metricOperations } from './metrics.ts';
import { oauthOperations } from './oauth.ts';
import { runOperations } from './runs.ts';
import { queueHistoryOperations } from './queue-history.ts';
import { trustOperations } from './trust.ts';
import { userOperations } from './users.ts';

export const OPERATIONS = {
  ...queueHistoryOperations,
  ...userOperations,
  ...integrationOperations,
  ...streamOperations,
  ...oauthOperations,
  ...runOperations,
  ...jobOperations,
  ...messageOperations,
  ...metricOperations,
  ...trustOperations,
};

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
