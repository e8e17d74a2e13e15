// IBM Plex from our own server: a page of ours asks nobody else.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';

const require = createRequire(import.meta.url);

interface Family {
  readonly folder: string;
  readonly weights: readonly number[];
}

function familyOf(name: string, weights: readonly number[]): Family {
  return { folder: path.dirname(require.resolve(`${name}/package.json`)), weights };
}

const FAMILIES: Readonly<Record<string, Family>> = {
  sans: familyOf('@fontsource/ibm-plex-sans', [400, 500, 600]),
  mono: familyOf('@fontsource/ibm-plex-mono', [400, 500]),
};

const FILE = /^[a-z\d-]+\.woff2?$/;
/** Their names change with their content only when the package does, so not for ever. */
const CACHE = 'public, max-age=604800';

/** The package's own rules, pointing to where we serve its files. */
export function fontRules(): string {
  return Object.entries(FAMILIES)
    .flatMap(([name, { folder, weights }]) =>
      weights.map((weight) =>
        readFileSync(path.join(folder, `${weight}.css`), 'utf8').replaceAll('./files/', `/assets/fonts/${name}/`),
      ),
    )
    .join('\n');
}

/** Open to everybody: the sign-in page uses them. */
export function addFonts(app: FastifyInstance): void {
  const rules = fontRules();
  app.get('/assets/fonts.css', async (_request, reply) =>
    reply.type('text/css').header('cache-control', CACHE).send(rules),
  );
  app.get('/assets/fonts/:family/:file', async (request, reply) => {
    const { family, file } = request.params as { readonly family: string; readonly file: string };
    const found = Object.hasOwn(FAMILIES, family) && FILE.test(file) ? FAMILIES[family] : undefined;
    const data = await (found === undefined
      ? null
      : readFile(path.join(found.folder, 'files', file)).catch(() => null));
    if (data === null) throw new AppError('not_found', 'no such font');
    return reply
      .type(file.endsWith('2') ? 'font/woff2' : 'font/woff')
      .header('cache-control', CACHE)
      .send(data);
  });
}
