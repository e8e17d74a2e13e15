// Reading JSON bodies: what is nested too deeply or holds text that no database takes is refused before it is parsed, in one
// pass over the text and without recursion.

import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';

/** Deeper than anything that an operation takes. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const ESCAPED = /^u([0-9a-f]{4})/i;

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

function escapedCode(text: string, at: number): number | null {
  const [, digits] = ESCAPED.exec(text.slice(at, at + 5)) ?? [];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

function refuseText(): never {
  throw new AppError('input.invalid', 'expected text without NUL characters and without halves of surrogate pairs');
}

/** Checks the escape that begins at the backslash `at`; answers where the text goes on. */
function readEscape(text: string, at: number): number {
  const code = escapedCode(text, at + 1);
  if (code === null) return at + 2;
  if (code === 0 || isLow(code)) refuseText();
  if (!isHigh(code)) return at + 6;
  const next = text.charCodeAt(at + 6) === BACKSLASH ? escapedCode(text, at + 7) : null;
  if (next === null || !isLow(next)) refuseText();
  return at + 12;
}

/** Where the string that begins at the quote `at` has ended. */
function readString(text: string, at: number): number {
  let place = at + 1;
  while (place < text.length) {
    const code = text.charCodeAt(place);
    if (code === QUOTE) return place + 1;
    place = code === BACKSLASH ? readEscape(text, place) : place + 1;
  }
  return place;
}

/** Throws `api.body_too_deep`, `input.invalid`. Whether the text is JSON at all is the parser's business. */
export function checkJsonText(text: string): void {
  let depth = 0;
  let place = 0;
  while (place < text.length) {
    const code = text.charCodeAt(place);
    if (code === QUOTE) {
      place = readString(text, place);
      continue;
    }
    if (OPENING.has(code)) depth += 1;
    if (CLOSING.has(code)) depth -= 1;
    if (depth > MAX_DEPTH)
      throw new AppError('api.body_too_deep', `expected JSON that is nested at most ${MAX_DEPTH} deep, got more`);
    place += 1;
  }
}

/** The one parser of bodies; fastify's own refuses members that would change a prototype. */
export function acceptJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    try {
      checkJsonText(String(text));
      // A request without a body may still carry the header.
      if (text === '') done(null, undefined);
      else void parse(request, String(text), done);
    } catch (error) {
      done(error as Error);
    }
  });
}
