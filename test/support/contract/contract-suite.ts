// The suite of every connector whose platform publishes OpenAPI documents: each stream against a mock made of them.

import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/core/error-codes.ts';
import { skipUnless } from '../skip.ts';
import { contractPass, type ContractFindings, type ContractOptions } from './contract-pass.ts';
import type { SpecMockOptions } from './spec-mock.ts';

export interface ContractSuite extends Pick<ContractOptions, 'connector' | 'credentials' | 'settings' | 'now'> {
  /** Absolute paths of the documents; null: they are not there, and the suite skips. */
  readonly files: readonly string[] | null;
  readonly prefixOf?: SpecMockOptions['prefixOf'];
  /** What a refusal by an operation that documents this status is to us. */
  readonly refusals: Readonly<Record<number, ErrorCode>>;
  /** Of streams whose examples contradict their own document: why they, or records of them, are refused. */
  readonly wrongExamples?: Readonly<Record<string, RegExp>>;
  /** Streams that find no record in the examples: those show a shop that has none, or no right to them. */
  readonly emptyExamples?: readonly string[];
}

/** Documents show up to three examples of an answer. */
const EXAMPLES = [0, 1, 2];
const SEEDS = [1, 2, 3];

/** Registers the tests of every stream. */
export function contractSuite(suite: ContractSuite): void {
  const { files, prefixOf, refusals, wrongExamples = {}, emptyExamples = [], ...rig } = suite;
  if (files === null) {
    test('streams and the official documents', (context) => skipUnless(context, false, 'needs ../shared/specs'));
    return;
  }
  const mockOf = (options: Omit<SpecMockOptions, 'files' | 'prefixOf'>): SpecMockOptions => ({
    files,
    ...(prefixOf === undefined ? {} : { prefixOf }),
    ...options,
  });
  describe.for(rig.connector.streams.map(({ name }) => name))('%s', (stream) => {
    const hasExamples = wrongExamples[stream] === undefined && !emptyExamples.includes(stream);
    test('reads every example of the documents by valid requests', async () => {
      const mocks = EXAMPLES.map((seed) => mockOf({ answers: 'examples', seed }));
      const found = await passAll(mocks.map((mock) => ({ ...rig, stream, mock })));
      const refused = [...found.refusals, ...found.endings];
      expect(found).toMatchObject({ violations: [], faults: [] });
      expect(refused.filter((reason) => wrongExamples[stream]?.test(reason) !== true)).toEqual([]);
      if (hasExamples) expect(found.parsed).toBeGreaterThan(0);
    });

    test('makes records or errors of ours of whatever the documents allow', async () => {
      const mocks = SEEDS.flatMap((seed) =>
        (['generated', 'sparse'] as const).map((answers) => mockOf({ answers, seed, fullAnswers: 2 })),
      );
      const found = await passAll(mocks.map((mock) => ({ ...rig, stream, mock })));
      expect(found).toMatchObject({ violations: [], faults: [] });
      expect(found.endings.filter((ending) => !ending.startsWith('platform.answer_invalid'))).toEqual([]);
      if (hasExamples) expect(found.parsed).toBeGreaterThan(0);
    });

    test.for(Object.entries(refusals))('knows what HTTP %s means', async ([status, code]) => {
      const mock = mockOf({ answers: 'generated', seed: 1, status: Number(status) });
      const found = await contractPass({ ...rig, stream, mock, passes: ['full'] });
      expect(found).toMatchObject({ violations: [], faults: [] });
      // Where an operation does not document the status, the mock answered 404: nothing is said of that.
      if (!found.statuses.every((answered) => answered === Number(status))) return;
      expect(new Set(found.endings.map((ending) => ending.split(':')[0]))).toEqual(new Set([code]));
    });
  });
}

/** The findings of all these passes together. */
async function passAll(all: readonly ContractOptions[]): Promise<ContractFindings> {
  const found: ContractFindings[] = [];
  for (const options of all) found.push(await contractPass(options));
  const once = (name: 'operations' | 'violations' | 'faults' | 'refusals' | 'endings'): readonly string[] => [
    ...new Set(found.flatMap((findings) => findings[name])),
  ];
  return {
    operations: once('operations'),
    violations: once('violations'),
    faults: once('faults'),
    refusals: once('refusals'),
    endings: once('endings'),
    statuses: [...new Set(found.flatMap(({ statuses }) => statuses))],
    parsed: found.reduce((sum, { parsed }) => sum + parsed, 0),
  };
}
