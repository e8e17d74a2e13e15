// Talking to a started API as another service does: HTTP with a token, and what came back.

import { expect } from 'vitest';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Scope } from '../../src/core/scopes.ts';
import { cancelAbandonedRuns } from '../../src/scheduler/abandoned-runs.ts';
import { replayRuns } from '../../src/scheduler/replay-runs.ts';
import type { Database } from '../../src/db/database.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { bearer, issueToken, startApi, type TestApiOptions } from './api.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** What came is for the test to judge; an answer that is no JSON is its `text`. */
  readonly body: Record<string, unknown> & { readonly code?: unknown };
}

export interface ApiCaller {
  readonly address: string;
  readonly token: string;
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export function callerOf(address: string, token: string): ApiCaller {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(address + path, {
      method,
      headers: { ...bearer(token), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const parsed = text === '' ? {} : isJson ? (JSON.parse(text) as Answer['body']) : { text };
    if (response.status >= 400) {
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(parsed).toMatchObject({
        type: 'about:blank',
        status: response.status,
        code: expect.any(String) as string,
      });
    }
    return { status: response.status, headers: response.headers, body: parsed };
  };
  return Object.assign(call, { address, token });
}

/** The queue as the api process has it. */
export function apiQueue(db: Database, driver: EngineDriver): JobQueue {
  return createJobQueue({
    db,
    driver,
    clock: systemClock,
    log: silentLog,
    fates: { 'sync.run': replayRuns({ clock: systemClock }) },
    onAbandoned: cancelAbandonedRuns,
  });
}

/** A started API, and how to call it with a token of these scopes. */
export async function openApi(
  db: Database,
  queue: JobQueue,
  { scopes = ['admin'], ...options }: Omit<TestApiOptions, 'queue'> & { readonly scopes?: readonly Scope[] } = {},
): Promise<ApiCaller> {
  const { address } = await startApi(db, { queue, ...options });
  return callerOf(address, await issueToken(db, scopes));
}
