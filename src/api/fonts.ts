// IBM Plex from our own server: a page of ours asks nobody else.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';

const require = createRequire(import.meta.url);

interface Family {
  /** Part of a file's address, so that it may be kept for ever. */
  readonly version: string;
  readonly folder: string;
  readonly weights: readonly number[];
}

function familyOf(name: string, weights: readonly number[]): Family {
  const manifest = require.resolve(`${name}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return { version, folder: path.dirname(manifest), weights };
}

const FAMILIES: Readonly<Record<string, Family>> = {
  sans: familyOf('@fontsource/ibm-plex-sans', [400, 500, 600]),
  mono: familyOf('@fontsource/ibm-plex-mono', [400, 500]),
};

const FILE = /^[a-z\d-]+\.woff2?$/;
const RULES_CACHE = 'public, max-age=3600';
const FILE_CACHE = 'public, max-age=31536000, immutable';

/** The package's own rules, pointing to where we serve its files. */
export function fontRules(): string {
  return Object.entries(FAMILIES)
    .flatMap(([name, { version, folder, weights }]) =>
      weights.map((weight) =>
        readFileSync(path.join(folder, `${weight}.css`), 'utf8').replaceAll(
          './files/',
          `/assets/fonts/${name}/${version}/`,
        ),
      ),
    )
    .join('\n');
}

/** Open to everybody: the sign-in page uses them. */
export function addFonts(app: FastifyInstance): void {
  const rules = fontRules();
  app.get('/assets/fonts.css', async (_request, reply) =>
    reply.type('text/css').header('cache-control', RULES_CACHE).send(rules),
  );
  app.get('/assets/fonts/:family/:version/:file', async (request, reply) => {
    const { family, version, file } = request.params as Readonly<Record<'family' | 'version' | 'file', string>>;
    const known = Object.hasOwn(FAMILIES, family) ? FAMILIES[family] : undefined;
    const found = known?.version === version && FILE.test(file) ? known : undefined;
    const data = await (found === undefined
      ? null
      : readFile(path.join(found.folder, 'files', file)).catch(() => null));
    if (data === null) throw new AppError('not_found', 'no such font');
    return reply
      .type(file.endsWith('2') ? 'font/woff2' : 'font/woff')
      .header('cache-control', FILE_CACHE)
      .send(data);
  });
}
