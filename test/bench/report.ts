// What the bench prints: a table for people or one JSON document, with the machine that the figures belong to.

import { cpus, totalmem } from 'node:os';
import { facts, table, type Output } from '../../src/cli/output.ts';
import { isMet, type Figure, type Target } from './bench-case.ts';
import { rounded } from './measure.ts';

export interface CaseReport {
  readonly name: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** What was left out, and why. */
  readonly skipped: readonly string[];
  /** Message of what stopped the case. */
  readonly error: string | null;
}

export interface Machine {
  readonly node: string;
  readonly postgres: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly platform: string;
}

export function describeMachine(postgres: string): Machine {
  const cores = cpus();
  return {
    node: process.version,
    postgres,
    cpus: cores.length,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform}-${process.arch}`,
  };
}

function targetText(target: Target | null): string {
  if (target === null) return '';
  const { of, atLeast, atMost } = target;
  const bound = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  return `${of} ${bound}`;
}

const VERDICTS = new Map<boolean | null, string>([
  [true, 'yes'],
  [false, 'NO'],
  [null, ''],
]);

function rowOf(figure: Figure): readonly unknown[] {
  const { name, unit, ours, reference, ratio, target } = figure;
  const number = (value: number | null): unknown => (value === null ? null : rounded(value));
  return [name, unit, number(ours), number(reference), number(ratio), targetText(target), VERDICTS.get(isMet(figure))];
}

export interface Report {
  readonly quick: boolean;
  readonly machine: Machine;
  readonly cases: readonly CaseReport[];
}

export function printReport(output: Output, { quick, machine, cases }: Report): void {
  const figures = cases.flatMap((each) => each.figures);
  const document = {
    quick,
    machine,
    cases: cases.map((each) => ({
      ...each,
      figures: each.figures.map((figure) => ({ ...figure, met: isMet(figure) })),
    })),
  };
  output.result(document, () => {
    output.line(facts({ ...machine, sizes: quick ? 'quick' : 'full' }));
    output.line();
    output.line(table(['figure', 'unit', 'ours', 'reference', 'ratio', 'target', 'met'], figures.map(rowOf)));
    for (const { name, skipped } of cases) for (const reason of skipped) output.line(`\n${name} skipped: ${reason}`);
    for (const { name, error } of cases) if (error !== null) output.line(`\n${name} crashed: ${error}`);
  });
}
