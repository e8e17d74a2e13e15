import { expect, test } from 'vitest';
import { lockfileProblems } from './lockfile.ts';

test('a platform package that the lockfile leaves out is named', () => {
  const lock = { packages: { '': {}, 'node_modules/a': { optionalDependencies: { '@a/linux-x64': '1.0.0' } } } };
  expect(lockfileProblems(lock)).toEqual([expect.stringContaining('@a/linux-x64')]);
});

test('a nested platform package counts as present', () => {
  const lock = {
    packages: {
      'node_modules/a': { optionalDependencies: { '@a/linux-x64': '1.0.0' } },
      'node_modules/a/node_modules/@a/linux-x64': {},
    },
  };
  expect(lockfileProblems(lock)).toEqual([]);
});

test('a download address is named', () => {
  const lock = { packages: { 'node_modules/a': { resolved: 'https://example.test/a.tgz' } } };
  expect(lockfileProblems(lock)).toEqual([expect.stringContaining('download address')]);
});
