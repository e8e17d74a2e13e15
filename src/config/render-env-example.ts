// Writes `.env.example` from the schema; with `--check` it only says whether the file is stale (exit 1). Run as
// `node src/config/render-env-example.ts`.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SECTIONS } from './schema.ts';
import type { Variable } from './variable.ts';

const FILE = fileURLToPath(new URL('../../.env.example', import.meta.url));

const HEADER = `# Settings of Tidemark, all optional: without any, \`npm start\` brings its own PostgreSQL and listens on 127.0.0.1:8080.
# Copy this file to .env, uncomment what you change, and load it: set -a && . ./.env && set +a && npm start
# Rendered from src/config/schema.ts by \`node src/config/render-env-example.ts\`; do not edit by hand.
`;

/** Quoted where a shell, Docker or Node would otherwise read it differently. */
function quoted(value: string): string {
  return /^[\w.:/@,+-]*$/.test(value) ? value : `'${value}'`;
}

function renderVariable([name, spec]: [string, Variable<unknown>]): string {
  const fallback = spec.default === undefined ? `Without it: ${spec.unset}.` : `Default: ${quoted(spec.default)}`;
  return [
    `# ${spec.about}`,
    `# Type: ${spec.expected}.${spec.secret ? ' Secret.' : ''}`,
    `# ${fallback}`,
    `# ${name}=${quoted(spec.example)}`,
  ].join('\n');
}

/** The whole text of `.env.example`. */
export function renderEnvExample(): string {
  const sections = Object.entries(SECTIONS).map(([title, variables]) => {
    const entries = Object.entries(variables) as [string, Variable<unknown>][];
    return [`## ${title}`, ...entries.map(renderVariable)].join('\n\n');
  });
  return `${[HEADER.trimEnd(), ...sections].join('\n\n')}\n`;
}

function readIfPresent(): string {
  try {
    return readFileSync(FILE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function main(args: readonly string[]): number {
  if (!args.includes('--check')) {
    writeFileSync(FILE, renderEnvExample());
    return 0;
  }
  if (readIfPresent() === renderEnvExample()) return 0;
  process.stderr.write('.env.example is stale: run `node src/config/render-env-example.ts` and commit it\n');
  return 1;
}

const invoked = process.argv[1];
if (invoked !== undefined && realpathSync(invoked) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
