// Words of the board that would be wrong here: it speaks of Redis, and of schedulers that an application registers. Where
// it has no English of ours, other languages keep the board's.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

type Words = Readonly<{ [name: string]: string | Words }>;

const OURS: Words = {
  QUEUE: {
    ACTIONS: {
      CONFIRM: {
        OBLITERATE_QUEUE:
          'Are you sure you want to obliterate this queue?\n\nEvery job of it is removed, with its log and its history: nothing brings them back. The queue must be paused first.',
        OBLITERATE_FORCE_DESCRIPTION:
          '{{jobs}} jobs are in hand. Their workers are told to stop, and they end as cancelled.',
      },
      TOAST: {
        RETRY_SKIPPED: '{{count}} stay dead: another unfinished job has their key, or they were too many for one time.',
      },
    },
    // The word beside it is always BullMQ, whatever the engine.
    INFO: { TYPE: 'Shown as a queue of' },
    WORKERS: { EMPTY_HINT: 'Start a worker: tidemark start --role worker' },
  },
  METRICS_HISTORY: {
    STORAGE: { TIER_NOTE: 'Minutes are kept for 3 days, hours for 90. Days are made of hours, and take no room.' },
  },
  SCHEDULERS: {
    EMPTY: 'No stream has a schedule.',
    CONFIRM: {
      REMOVE:
        'Are you sure that you want to stop the schedule "{{id}}"? The stream is disabled until somebody enables it again.',
      RUN: 'Are you sure that you want to run "{{id}}" now? The schedule stays as it is.',
    },
    EDIT: {
      DESCRIPTION:
        'An interval is in milliseconds, of whole minutes. A number of runs and an end are not known here: leave them empty.',
      OVERWRITE_NOTE: 'It is kept with the stream, and counts from now on.',
    },
  },
  ERRORS: {
    JOB_EDIT_NOT_SUPPORTED: 'A job stays as it was added: duplicate it with other options, and remove it.',
    INVALID_SCHEDULER_PATTERN:
      'Expected whole minutes or a cron pattern with a time zone, without a number of runs and an end',
    REDIS_UNAVAILABLE: 'The datastore of the queue does not answer.',
  },
};

function merge(theirs: Words, ours: Words): Words {
  const merged = Object.entries(ours).map(([name, word]) => {
    const given = theirs[name];
    return [name, typeof word === 'object' && typeof given === 'object' ? merge(given, word) : word] as const;
  });
  return { ...theirs, ...Object.fromEntries(merged) };
}

const FILE = 'static/locales/en-US/messages.json';

/** Found before the board's own files, because a whole path goes before a pattern. */
export function addWords(app: FastifyInstance): void {
  const folder = path.dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'));
  const theirs = JSON.parse(readFileSync(path.join(folder, 'dist', FILE), 'utf8')) as Words;
  const words = JSON.stringify(merge(theirs, OURS));
  app.get(`/${FILE}`, async (_request, reply) => reply.type('application/json; charset=utf-8').send(words));
}
