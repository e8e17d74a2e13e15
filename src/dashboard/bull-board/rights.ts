// Who may do what on the board, and what is written down of it. Closed by default: a verb that is not named here is for
// admins, so a board that learns new ones opens nothing.

import { allows, type Scope } from '../../core/scopes.ts';

export interface BoardVerb {
  /** As the audit log names it. */
  readonly action: string;
  readonly scope: Scope;
}

const READ: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const verb = (action: string, scope: Scope): BoardVerb => ({ action: `board.${action}`, scope });

/** By the board's own routes, without method; each has one that changes something. */
const VERBS: Readonly<Record<string, BoardVerb>> = {
  '/api/queues/pause': verb('pause-all', 'operate'),
  '/api/queues/resume': verb('resume-all', 'operate'),
  '/api/queues/:queueName/add': verb('add', 'enqueue'),
  '/api/queues/:queueName/retry/:queueStatus': verb('retry-all', 'operate'),
  '/api/queues/:queueName/promote': verb('promote-all', 'operate'),
  '/api/queues/:queueName/clean/:queueStatus': verb('clean', 'operate'),
  '/api/queues/:queueName/pause': verb('pause', 'operate'),
  '/api/queues/:queueName/resume': verb('resume', 'operate'),
  '/api/queues/:queueName/concurrency': verb('concurrency', 'operate'),
  '/api/queues/:queueName/rate-limit': verb('rate-limit', 'operate'),
  '/api/queues/:queueName/rate-limit/release': verb('release-rate-limit', 'operate'),
  '/api/queues/:queueName/empty': verb('empty', 'admin'),
  '/api/queues/:queueName/obliterate': verb('obliterate', 'admin'),
  '/api/queues/:queueName/job-schedulers/:schedulerId/remove': verb('disable-schedule', 'operate'),
  '/api/queues/:queueName/job-schedulers/:schedulerId': verb('change-schedule', 'operate'),
  '/api/queues/:queueName/job-schedulers/:schedulerId/run': verb('run-schedule', 'operate'),
  '/api/queues/:queueName/:jobId/retry': verb('retry', 'operate'),
  '/api/queues/:queueName/:jobId/clean': verb('remove', 'operate'),
  '/api/queues/:queueName/:jobId/promote': verb('promote', 'operate'),
  '/api/metrics/history/purge': verb('purge-history', 'admin'),
};

/** What a request does; null when it only looks. `route` is the board's own, without its prefix. */
export function verbOf(method: string, route: string): BoardVerb | null {
  if (READ.has(method)) return null;
  return Object.hasOwn(VERBS, route) ? VERBS[route]! : verb('unknown', 'admin');
}

/** Whether the board shows what changes something at all. */
export function isViewer(scopes: readonly Scope[]): boolean {
  return !allows(scopes, 'operate');
}
