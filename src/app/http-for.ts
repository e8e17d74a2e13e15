// The way out of this process: one client factory with egress policy, the shared governor and the limits as configured.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { createHttpClient } from '../http/client.ts';
import { createEgressPolicy } from '../http/egress.ts';
import type { HttpClient, HttpClientScope } from '../http/http-client.ts';
import type { BucketCharge, Governor } from '../limits/governor.ts';
import { applyLimitOverrides, type LimitOverrides } from '../limits/overrides.ts';
import { createPostgresGovernor } from '../limits/postgres-governor.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface HttpForDeps {
  readonly config: Config;
  /** Pool of the worker role: buckets are rows. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Connections at once; default: as many as a worker's jobs need. */
  readonly maxSockets?: number;
}

const USER_AGENT = 'Tidemark/0.1 (+https://github.com/tidemark)';

/** Connectors bring their rules as constants; what the operator configured takes their place here. */
function withOverrides(governor: Governor, overrides: LimitOverrides): Governor {
  const configured = <C extends Pick<BucketCharge, 'rule'>>(charge: C): C => ({
    ...charge,
    rule: applyLimitOverrides(charge.rule, overrides),
  });
  return {
    take: (charges, workClass) => governor.take(charges.map(configured), workClass),
    settle: (charge, actual) => governor.settle(configured(charge), actual),
    learn: (lesson) => governor.learn(configured(lesson)),
    park: (bucket, until) => governor.park(configured(bucket), until),
  };
}

export function createHttpFor({
  config,
  db,
  clock,
  log,
  maxSockets,
}: HttpForDeps): (scope: HttpClientScope) => HttpClient {
  return createHttpClient({
    governor: withOverrides(createPostgresGovernor({ database: db, log }), config.limits),
    egress: createEgressPolicy({ allowedRanges: config.egressAllow }),
    clock,
    log,
    baseUrls: config.baseUrls,
    userAgent: USER_AGENT,
    ...(maxSockets === undefined ? {} : { maxSockets }),
  });
}
