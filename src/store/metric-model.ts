// How a user's day follows from the facts, as data: where facts lie and what is summed over them. The list itself is
// `src/rollups/definitions.ts`; the statements made from it are in `fact-statements.ts`. Every SQL text here is code, never input.

import type { RecordTable } from './record-tables/record-table.ts';

/**
 * One kind of fact: a row of a table at one of its instants. A row with several instants is several facts, so that each fact has
 * one day. Facts of removed rows do not count.
 */
export interface FactSource {
  /** Stable: sealed days name their facts by it. `proposals.sent`. */
  readonly name: string;
  readonly table: Pick<RecordTable<never>, 'name' | 'keyColumns' | 'partitioned'>;
  /** Column of the table. */
  readonly at: string;
  /** `at` is a date that the platform gives: it counts as the same date of the user. Else its local day counts. */
  readonly isPlatformDay?: true;
  /** Condition on the row `t` without which it is no such fact. */
  readonly where?: string;
  /** Joins after the table, for facts that are more than one row. */
  readonly join?: string;
  /**
   * Name of the source of the row that this fact is told of, for facts that follow from other rows too. On a sealed day such a
   * fact is looked at again only when its row is late: the others may be purged.
   */
  readonly follows?: string;
  /** Instant of the row, if any, whose fact follows from the row `t` too: `t` is kept until that day is sealed as well. */
  readonly neededAt?: string;
}

interface Described {
  /** Column of `user_metrics`. */
  readonly column: string;
  /** Says exactly what counts, for people. */
  readonly meaning: string;
  /** As in the migration. */
  readonly type:
    | 'integer'
    | 'numeric(20, 6)'
    | 'numeric(20, 3)'
    | 'numeric(20, 2)'
    | 'numeric(12, 2)'
    | 'numeric(7, 2)';
}

/** Added up over the day's facts of one source; 0 without any. */
export interface SumMetric extends Described {
  readonly kind: 'sum';
  readonly source: string;
  /** Number over the row `t` and what `join` brings; null adds nothing. */
  readonly value: string;
}

/** Added up by currency: the reporting currency in the column (null without any), each other one in `analytics`. */
export interface MoneyMetric extends Described {
  readonly kind: 'money';
  readonly source: string;
  readonly amount: string;
  readonly currency: string;
}

/** Reckoned from the sums of the day, so it follows where an adjustment changes them. */
export interface DerivedMetric extends Described {
  readonly kind: 'derived';
  /** Over columns of sums. */
  readonly expression: string;
}

export type MetricDefinition = SumMetric | MoneyMetric | DerivedMetric;

export interface MetricModel {
  readonly sources: readonly FactSource[];
  readonly metrics: readonly MetricDefinition[];
}

export function summedOver({ metrics }: MetricModel, { name }: FactSource): readonly (SumMetric | MoneyMetric)[] {
  return metrics.filter((metric) => metric.kind !== 'derived').filter(({ source }) => source === name);
}

/** Columns whose other currencies lie in `analytics` under the same name. */
export function moneyColumns({ metrics }: MetricModel): readonly string[] {
  return metrics.filter(({ kind }) => kind === 'money').map(({ column }) => column);
}
