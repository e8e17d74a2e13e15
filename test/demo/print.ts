// The outcome for people, or as one JSON document.

import { table, type Output } from '../../src/cli/output.ts';
import type { QueueEngine } from '../../src/core/queue-engines.ts';
import type { Outcome } from './story.ts';

export interface FullOutcome extends Outcome {
  readonly engine: QueueEngine;
  readonly source: string;
  readonly seconds: number;
}

const HEAD = [
  'pass',
  'user',
  'platform',
  'stream',
  'type',
  'status',
  'source',
  'stored',
  'read',
  'changed',
  'quarantined',
  'requests',
  'records/s',
  'equal',
];

export function printOutcome(output: Output, { token: _token, ...outcome }: FullOutcome): void {
  output.result(outcome, () => {
    const rows = outcome.streams.map((it) => [
      it.pass,
      it.user,
      it.platform,
      it.stream,
      it.type,
      it.status,
      it.source,
      it.stored,
      it.read,
      it.changed,
      it.quarantined,
      it.requests,
      it.recordsPerSecond,
      it.differences.length === 0 ? 'yes' : 'NO',
    ]);
    output.line(table(HEAD, rows));
    output.line();
    output.line(
      table(
        ['user', 'platform', 'said', 'stored', 'answered', 'arrived', 'equal'],
        outcome.talks.map((it) => [
          it.user,
          it.platform,
          it.said,
          it.stored,
          it.sent,
          it.arrived,
          it.differences.length === 0 ? 'yes' : 'NO',
        ]),
      ),
    );
    output.line();
    output.line(
      table(
        ['user', 'days in user_metrics', 'equal'],
        outcome.days.map((it) => [it.user, it.days, it.differences.length === 0 ? 'yes' : 'NO']),
      ),
    );
    for (const difference of [...outcome.streams, ...outcome.talks, ...outcome.days].flatMap((it) => it.differences))
      output.line(`difference: ${difference}`);
    output.line();
    output.line(
      outcome.ok
        ? `every check held: source and store are equal row by row (${outcome.source}, ${outcome.seconds.toFixed(1)} s)`
        : 'FAILED: source and store differ, or a run did not succeed',
    );
  });
}
