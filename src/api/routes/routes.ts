// Every operation with its handler.

import type { ApiDeps, Handlers } from '../call.ts';
import { queueHistoryRoutes } from './queue-history.ts';
import { userRoutes } from './users.ts';

export function createRoutes(deps: ApiDeps): Handlers {
  return {
    ...queueHistoryRoutes(deps),
    ...userRoutes(deps),
  };
}
