import { expect, test } from 'vitest';
import { CONNECTOR_MAY_IMPORT, moduleOf, PACKAGE_HOMES } from './ranks.ts';
import { sourceFiles, type SourceFile } from './source-files.ts';

const files = sourceFiles(['src', 'queues', 'workers', 'packages/client/src', 'test']);

function importsAgainstRank(file: SourceFile): string[] {
  const own = moduleOf(file.path);
  return file.files
    .filter((target) => moduleOf(target) !== own && moduleOf(target).rank >= own.rank)
    .map((target) => {
      const other = moduleOf(target);
      return (
        `${file.path} (rank ${own.rank}) imports ${target} (rank ${other.rank}). Remedy: hand it in from src/app as a ` +
        `parameter, or move what both need to a module below rank ${Math.min(own.rank, other.rank)}.`
      );
    });
}

test('a file imports only from its own module or from a lower rank', () => {
  expect(files.flatMap(importsAgainstRank)).toEqual([]);
});

test('only the composition root and entry points are imported by nobody outside', () => {
  const intruders = files
    .filter((file) => !/^(workers|src\/cli|test)\//.test(file.path))
    .flatMap((file) =>
      file.files.filter((target) => /^(workers|src\/cli)\//.test(target)).map((t) => `${file.path} → ${t}`),
    );
  expect(intruders, 'workers/ and src/cli are entry points: move what is needed to src/app or below').toEqual([]);
});

test('the packed client stands alone: it imports no package and nothing of this project', () => {
  const own = files.filter((file) => file.path.startsWith('packages/client/src/'));
  expect(own.length).toBeGreaterThan(0);
  expect(own.flatMap(({ packages }) => packages)).toEqual([]);
  const strangers = own.flatMap((file) => file.files.filter((target) => !target.startsWith('packages/client/src/')));
  expect(strangers, 'what both need is rendered into it by src/api/contract/render-client.ts').toEqual([]);
});

test('a package is imported only where it lives', () => {
  const strays = files
    .filter((file) => !file.path.startsWith('test/'))
    .flatMap((file) =>
      file.packages
        .filter((name) => PACKAGE_HOMES[name]?.every((home) => !file.path.startsWith(home)))
        .map(
          (name) =>
            `${file.path} imports ${name}. Remedy: use the port of ${PACKAGE_HOMES[name]!.join(' or ')} instead.`,
        ),
    );
  expect(strays).toEqual([]);
});

test('a connector sees http, clock, signal, credential and log, and nothing else', () => {
  const sights = files
    .filter((file) => file.path.startsWith('src/connectors/') && !file.path.startsWith('src/connectors/contract/'))
    .flatMap((file) =>
      file.files
        .filter((target) => moduleOf(target) !== moduleOf(file.path))
        .filter((target) => !CONNECTOR_MAY_IMPORT.some((allowed) => target.startsWith(allowed)))
        .map(
          (target) => `${file.path} imports ${target}. Remedy: let the engine do it, and ask for it in the contract.`,
        ),
    );
  expect(sights).toEqual([]);
});

test('only src/config reads the environment', () => {
  const readers = files
    .filter((file) => !/^(src\/config|test)\//.test(file.path))
    .filter((file) => /\bprocess\.env\b/.test(file.text))
    .map(
      (file) => `${file.path} reads process.env. Remedy: add a variable to src/config/schema.ts and take the config.`,
    );
  expect(readers).toEqual([]);
});

/** The first import cycle through `start`, as the list of its files. */
function cycleFrom(start: string, imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const walk = (file: string, trail: readonly string[], seen: Set<string>): string[] | undefined => {
    for (const target of imports.get(file) ?? []) {
      if (target === start) return [...trail, target];
      if (seen.has(target)) continue;
      seen.add(target);
      const found = walk(target, [...trail, target], seen);
      if (found) return found;
    }
    return undefined;
  };
  return walk(start, [start], new Set([start]));
}

test('imports have no cycles', () => {
  const imports = new Map(files.map((file) => [file.path, file.files]));
  const cycles = files.map((file) => cycleFrom(file.path, imports)?.join(' → ')).filter((cycle) => cycle !== undefined);
  expect(cycles, 'Remedy: move the shared types of the cycle to a file of their own').toEqual([]);
});

test('every source file opens with a sentence that says what it is for', () => {
  const silent = files
    .filter((file) => !file.path.startsWith('test/') && !file.text.startsWith('// '))
    .map((file) => file.path);
  expect(silent).toEqual([]);
});
