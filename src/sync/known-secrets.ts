// What a run has in hand and nobody else may read. Platforms echo credentials, and connectors quote platforms: whatever an
// error says is searched for these very values, whole, encoded or cut off, before it is written anywhere.

import { inspect } from 'node:util';
import { AppError, toAppError, type ErrorReport } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';
import { formsOf, hidePieces, piecesOf } from './secret-forms.ts';

export interface KnownSecrets {
  /** Remembers every text inside a credential. */
  learn(secret: Secret<unknown>): void;
  /** Any thrown value as an error that holds none of them. */
  mask(thrown: unknown): AppError;
  maskReport(report: ErrorReport): ErrorReport;
  /** A platform's answer without the tokens in it. It stays JSON, and what only may be a token stays too. */
  maskAnswer(text: string): string;
}

/** Shorter texts are words that errors are made of. */
const MIN_CHARS = 8;
/** What is shorter, like the id of an account, also stands in records where it belongs. */
const MIN_TOKEN_CHARS = 20;
/** Credentials have a handful of members. */
const MAX_TEXTS = 100;
const MASK = '[secret]';
/** When a token ends is no secret, and half of it is today's date. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T/;

/** The texts inside a JSON value. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function replaceAllOf(text: string, words: Iterable<string>): string {
  let rest = text;
  for (const word of words) rest = rest.replaceAll(word, MASK);
  return rest;
}

export function createKnownSecrets(): KnownSecrets {
  const texts = new Set<string>();
  const forms = new Set<string>();
  const tokens = new Set<string>();
  /** Many short strings, made when an error first asks for them. */
  let pieces: ReadonlySet<string> | undefined;
  const masked = (text: string): string => {
    pieces ??= piecesOf(forms);
    return hidePieces(replaceAllOf(text, forms), pieces, MASK);
  };
  const maskedDetails = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    JSON.parse(masked(JSON.stringify(details))) as Readonly<Record<string, unknown>>;

  return {
    learn(secret) {
      for (const text of textsIn(secret.reveal())) {
        const isKnown = texts.has(text) || texts.size >= MAX_TEXTS;
        if (isKnown || text.length < MIN_CHARS || INSTANT.test(text)) continue;
        texts.add(text);
        for (const form of formsOf(text)) {
          forms.add(form);
          if (text.length >= MIN_TOKEN_CHARS) tokens.add(form);
        }
        pieces = undefined;
      }
    },
    mask(thrown) {
      const error = toAppError(thrown);
      const { code, message, details, retryAfterMs } = error;
      const facts = JSON.stringify(details);
      const isClean = masked(message) === message && masked(facts) === facts;
      // A cause that quotes the secret would be logged with the error: it goes, too.
      const cause = inspect(error.cause, { depth: 4, maxStringLength: 10_000 });
      if (isClean && masked(cause) === cause) return error;
      const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
      return new AppError(code, masked(message), { details: maskedDetails(details), ...wait });
    },
    maskReport({ message, details, ...report }) {
      const told = details === undefined ? {} : { details: maskedDetails(details) };
      return { ...report, message: masked(message), ...told };
    },
    maskAnswer: (text) => replaceAllOf(text, tokens),
  };
}

/** The same access; what it hands out becomes known. */
export function learning<Credential>(
  access: CredentialAccess<Credential>,
  secrets: KnownSecrets,
): CredentialAccess<Credential> {
  const learned = (secret: Secret<Credential>): Secret<Credential> => {
    secrets.learn(secret);
    return secret;
  };
  return {
    current: async () => learned(await access.current()),
    renew: async (rejected) => learned(await access.renew(rejected)),
  };
}
