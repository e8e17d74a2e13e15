// Every operation with its handler.

import type { ApiDeps, Handlers } from '../call.ts';
import { integrationRoutes } from './integrations.ts';
import { jobRoutes } from './jobs.ts';
import { messageRoutes } from './messages.ts';
import { platformMetricRoutes } from './platform-metrics.ts';
import { userMetricRoutes } from './user-metrics.ts';
import { oauthRoutes } from './oauth.ts';
import { runRoutes } from './runs.ts';
import { streamRoutes } from './streams.ts';
import { queueHistoryRoutes } from './queue-history.ts';
import { trustRoutes } from './trust.ts';
import { userRoutes } from './users.ts';

export function createRoutes(deps: ApiDeps): Handlers {
  return {
    ...userRoutes(deps),
    ...integrationRoutes(deps),
    ...streamRoutes(deps),
    ...oauthRoutes(deps),
    ...runRoutes(deps),
    ...jobRoutes(deps),
    ...messageRoutes(deps),
    ...queueHistoryRoutes(deps),
    ...userMetricRoutes(deps),
    ...platformMetricRoutes(deps),
    ...trustRoutes(),
  };
}
