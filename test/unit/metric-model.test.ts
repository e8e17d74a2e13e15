// The list of daily metrics holds together: every fact marks its day, every metric has its facts, and the documentation is of this list.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DAY_MODEL } from '../../src/rollups/definitions.ts';
import { renderMetrics } from '../../src/rollups/render-docs.ts';
import { moneyColumns, summedOver } from '../../src/store/metric-model.ts';
import type { RecordTable } from '../../src/store/record-tables/record-table.ts';
import { ROOT } from '../architecture/source-files.ts';

const { sources, metrics } = DAY_MODEL;

test.for(sources.map((source) => [source.name, source] as const))('%s marks the day it counts on', ([, source]) => {
  const { dirtyInstants, columns, name: tableName } = source.table as RecordTable<never>;
  // Sealed days are found by the table.
  expect(source.name.split('.')[0]).toBe(tableName);
  expect(dirtyInstants).toContain(source.at);
  const isDate = columns.some(({ name, type }) => name === source.at && type === 'date');
  expect(isDate).toBe(source.isPlatformDay === true);
});

test('every source is counted by a metric, and every metric counts a source that there is', () => {
  for (const source of sources)
    expect([source.name, summedOver(DAY_MODEL, source).length > 0]).toEqual([source.name, true]);
  const names = new Set(sources.map(({ name }) => name));
  for (const metric of metrics) if (metric.kind !== 'derived') expect(names).toContain(metric.source);
  for (const { follows } of sources) if (follows !== undefined) expect(names).toContain(follows);
});

test('every metric has a column of its own and a sentence', () => {
  expect(new Set(metrics.map(({ column }) => column)).size).toBe(metrics.length);
  for (const { column, meaning } of metrics)
    expect([column, meaning]).toEqual([column, expect.stringMatching(/^.{20,}\.$/)]);
});

test('money is told by currency', () => {
  expect(moneyColumns(DAY_MODEL)).toEqual(
    metrics.filter(({ type, kind }) => type === 'numeric(20, 6)' && kind !== 'derived').map(({ column }) => column),
  );
});

test('the documentation is rendered from the list', () => {
  expect(readFileSync(path.join(ROOT, 'docs/metrics.md'), 'utf8')).toBe(renderMetrics());
});
