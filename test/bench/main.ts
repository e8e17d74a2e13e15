// `npm run bench [-- --json] [-- --only commit,queue] [-- --quick]`: measures Tidemark beside bare references on this machine.
// It judges nothing: the exit code is 0 when every case ran, 1 when one crashed.

import { parseArgs } from 'node:util';
import { createOutput, type Output } from '../../src/cli/output.ts';
import type { BenchCase } from './bench-case.ts';
import { CASES } from './cases/cases.ts';
import { describeMachine, printReport, type CaseReport } from './report.ts';
import { createBenchWorld, type BenchWorld } from './world.ts';

interface Arguments {
  readonly json: boolean;
  readonly quick: boolean;
  readonly cases: readonly BenchCase[];
}

/** Throws an Error that says what was expected. */
function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const names = CASES.map(({ name }) => name);
  const only = values.only?.split(',').map((name) => name.trim()) ?? names;
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`expected --only with some of ${names.join(', ')}, got ${unknown.join(', ')}`);
  return { json: values.json, quick: values.quick, cases: CASES.filter(({ name }) => only.includes(name)) };
}

async function runCase(each: BenchCase, world: BenchWorld, quick: boolean, output: Output): Promise<CaseReport> {
  const from = performance.now();
  const note = (text: string): void => output.note(`${each.name}: ${text}`);
  const skipped: string[] = [];
  const skip = (reason: string): void => {
    if (!skipped.includes(reason)) skipped.push(reason);
  };
  const seconds = (): number => Math.round((performance.now() - from) / 100) / 10;
  try {
    note('started');
    const figures = await each.run(world, { quick, note, skip });
    return { name: each.name, seconds: seconds(), figures, skipped, error: null };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    note(`crashed: ${text}`);
    return { name: each.name, seconds: seconds(), figures: [], skipped, error: text };
  }
}

async function main(): Promise<void> {
  const { json, quick, cases } = readArguments();
  const output = createOutput(process, json);
  output.note('starting a PostgreSQL of its own');
  const world = await createBenchWorld();
  try {
    const reports: CaseReport[] = [];
    for (const each of cases) reports.push(await runCase(each, world, quick, output));
    printReport(output, { quick, machine: describeMachine(world.postgresVersion), cases: reports });
    if (reports.some(({ error }) => error !== null)) process.exitCode = 1;
  } finally {
    await world.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
