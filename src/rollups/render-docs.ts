// Writes `docs/metrics.md` from the definitions; with `--check` it only says whether the file is stale (exit 1). Run as
// `npm run render:metrics`.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FactSource, MetricDefinition } from '../store/metric-model.ts';
import { DAY_MODEL } from './definitions.ts';

const FILE = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url));

const HEAD = `# What a day says

Rendered from \`src/rollups/definitions.ts\` by \`npm run render:metrics\`; do not edit by hand.

\`user_metrics\` has one row for each user and local day: the day that an instant falls on in the user's IANA zone, of 23, 24 or 25 hours.
Rows of a source that were removed at the platform do not count. Amounts are in the user's reporting currency and come only from money in
that currency; nothing is converted. Amounts in other currencies are in \`analytics\` under the same name, one row for each currency.

| column | what counts | from | kind |
| --- | --- | --- | --- |
`;

const TAIL = `
A *sum* is 0 without any facts, an *amount* null without any money in the reporting currency. What is *derived* is reckoned from sums of
the same day, so it can be reckoned for weeks and months from theirs.

Each row says what it was computed from: \`input_count\` facts (a proposal that was sent and viewed on one day is two), of which the newest
was written at \`watermark\`, and \`input_hash\`, a keyed hash over them that does not depend on their order. \`tidemark verify\` computes days
again and names every difference; \`tidemark rollup\` has days computed again.

## Late, changed and removed facts

A fact that comes, changes or goes marks the local days it was and is on, in the transaction that stores it, and marked days are rolled up
again. So does another zone or reporting currency, and the removal of an account. An answer's day is marked too when what was said before it changes.

## Sealed days

A day whose facts may be purged is sealed first: each fact's contribution is kept in \`sealed_inputs\`, and the row is never computed again.
What comes late for it is a row of \`metric_adjustments\`: the fact by its key, \`late\`, \`changed\` or \`removed\`, and \`deltas\` to be added to
what the day says (amounts as \`column:CURRENCY\`). A purged fact that comes again as it was changes nothing. First responses on a sealed day are
adjusted only when the answering message itself is late or gone, because the messages before it may be purged.
`;

/** \`proposals.submitted_at\`, or \`finance_entries.entry_date\` (the platform's day). */
function placeOf({ table, at, isPlatformDay }: FactSource): string {
  return `\`${table.name}.${at}\`${isPlatformDay === true ? ' (the platform’s day)' : ''}`;
}

function lineOf(metric: MetricDefinition): string {
  const { column, meaning, kind } = metric;
  const kinds = { sum: 'sum', money: 'amount', derived: 'derived' } as const;
  const from = kind === 'derived' ? '' : placeOf(DAY_MODEL.sources.find(({ name }) => name === metric.source)!);
  return `| \`${column}\` | ${meaning} | ${from} | ${kinds[kind]} |\n`;
}

export function renderMetrics(): string {
  return HEAD + DAY_MODEL.metrics.map(lineOf).join('') + TAIL;
}

/** Run as a script, and not imported by a test. */
if (import.meta.main) {
  const text = renderMetrics();
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    process.stderr.write('docs/metrics.md is out of date: run `npm run render:metrics`\n');
    process.exit(1);
  }
}
