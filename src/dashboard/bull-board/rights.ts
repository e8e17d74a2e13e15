// Who may do what on the board. Closed by default: a verb that is not named here is for admins, so a board that learns new
// ones opens nothing.

import { allows, type Scope } from '../../core/scopes.ts';

export interface BoardVerb {
  /** As the audit log names it. */
  readonly action: string;
  readonly scope: Scope;
  /** Fields of the body that the audit log keeps. */
  readonly kept: readonly string[];
}

const READ: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const verb = (action: string, scope: Scope, ...kept: readonly string[]): BoardVerb => ({
  action: `board.${action}`,
  scope,
  kept,
});

/**
 * By method and the board's own route. What an operator can undo, or what takes away single jobs, is `operate`; what empties
 * a queue or the history at once is for admins.
 */
const VERBS: Readonly<Record<string, BoardVerb>> = {
  'PUT /api/queues/pause': verb('pause-all', 'operate'),
  'PUT /api/queues/resume': verb('resume-all', 'operate'),
  'POST /api/queues/:queueName/add': verb('add', 'enqueue', 'name'),
  'PUT /api/queues/:queueName/retry/:queueStatus': verb('retry-all', 'operate'),
  'PUT /api/queues/:queueName/promote': verb('promote-all', 'operate'),
  'PUT /api/queues/:queueName/clean/:queueStatus': verb('clean', 'operate'),
  'PUT /api/queues/:queueName/pause': verb('pause', 'operate'),
  'PUT /api/queues/:queueName/resume': verb('resume', 'operate'),
  'PUT /api/queues/:queueName/concurrency': verb('concurrency', 'operate', 'concurrency'),
  'PUT /api/queues/:queueName/rate-limit': verb('rate-limit', 'operate', 'max', 'duration'),
  'PUT /api/queues/:queueName/rate-limit/release': verb('release-rate-limit', 'operate'),
  'PUT /api/queues/:queueName/empty': verb('empty', 'admin'),
  'PUT /api/queues/:queueName/obliterate': verb('obliterate', 'admin', 'force'),
  'PUT /api/queues/:queueName/job-schedulers/:schedulerId/remove': verb('disable-schedule', 'operate'),
  'PATCH /api/queues/:queueName/job-schedulers/:schedulerId': verb(
    'change-schedule',
    'operate',
    'pattern',
    'every',
    'tz',
  ),
  'PUT /api/queues/:queueName/job-schedulers/:schedulerId/run': verb('run-schedule', 'operate'),
  'PUT /api/queues/:queueName/:jobId/retry': verb('retry', 'operate'),
  'PUT /api/queues/:queueName/:jobId/clean': verb('remove', 'operate'),
  'PUT /api/queues/:queueName/:jobId/promote': verb('promote', 'operate'),
  // Refused with the reason, whoever asks.
  'PATCH /api/queues/:queueName/:jobId/update-data': verb('change-payload', 'operate'),
  'PATCH /api/queues/:queueName/:jobId/delay': verb('reschedule', 'operate'),
  'PATCH /api/queues/:queueName/:jobId/priority': verb('change-priority', 'operate'),
  'PUT /api/queues/:queueName/:jobId/remove-unprocessed-children': verb('remove-children', 'operate'),
  'POST /api/metrics/history/purge': verb('purge-history', 'admin', 'queue', 'before'),
};

/** What a request does; null when it only looks. `route` is the board's own, without its prefix. */
export function verbOf(method: string, route: string): BoardVerb | null {
  if (READ.has(method)) return null;
  const name = `${method} ${route}`;
  return Object.hasOwn(VERBS, name) ? VERBS[name]! : verb('unknown', 'admin');
}

/** Whether the board shows what changes something at all. */
export function isViewer(scopes: readonly Scope[]): boolean {
  return !allows(scopes, 'operate');
}
