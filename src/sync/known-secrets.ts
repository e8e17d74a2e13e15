// What a run has in hand and nobody else may read. Platforms echo credentials, and connectors quote platforms: whatever an
// error says is searched for these very values, whole, encoded or cut off, before it is written anywhere. What a connector
// throws may be anything, so nothing of it is taken as it is: masking never throws, and its result has a code, a kind, a wait
// and a size of ours.

import { inspect } from 'node:util';
import { DAY_MS, SECOND_MS } from '../core/duration.ts';
import { ERROR_CODES } from '../core/error-codes.ts';
import { AppError, reportOf, toAppError, type ErrorReport } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';
import { formsOf, hidePieces, piecesOf } from './secret-forms.ts';

export interface KnownSecrets {
  /** Remembers every text inside a credential. */
  learn(secret: Secret<unknown>): void;
  /** Any thrown value as an error that holds none of them. Never throws. */
  mask(thrown: unknown): AppError;
  /** Any complaint in the form in which it is stored. */
  maskReport(report: ErrorReport): ErrorReport;
  /** Facts, as plain values. */
  maskDetails(details: AppError['details']): AppError['details'];
  /** A platform's answer without the tokens in it. It stays JSON, and what only may be a token stays too. */
  maskAnswer(text: string): string;
  /** Characters of the longest form that `maskAnswer` takes out; 0: none. */
  longestToken(): number;
}

/** Shorter texts are words that errors are made of. */
const MIN_CHARS = 8;
/** What is shorter, like the id of an account, also stands in records where it belongs. */
const MIN_TOKEN_CHARS = 20;
/** When a token ends is no secret, and half of it is today's date. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T/;
/** Credentials have a handful of members. */
const MAX_TEXTS = 50;
/** A run sees a credential, and the one that takes its place. */
const MAX_FORMS = 600;
const MASK = '[secret]';
/** Characters of an error's details as JSON. */
const MAX_FACTS = 16_000;
const OMITTED = JSON.stringify({ omitted: 'too long, or no JSON' });
/** Waits that a queue can keep, and that are none of a busy loop. */
const MIN_WAIT_MS = SECOND_MS;
const MAX_WAIT_MS = DAY_MS;

/** The texts inside a JSON value. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Details as JSON text; undefined when they cannot be written or are too long to keep. */
function factsOf(details: unknown): string | undefined {
  try {
    const facts = JSON.stringify(details);
    return facts.length > MAX_FACTS ? undefined : facts;
  } catch {
    return undefined;
  }
}

/** The way back; a secret may have stood across quotes. */
function factsIn(text: string): AppError['details'] {
  try {
    return JSON.parse(text) as AppError['details'];
  } catch {
    return { omitted: MASK };
  }
}

/** Undefined lets the policy choose. */
function waitOf(retryAfterMs: unknown): number | undefined {
  if (typeof retryAfterMs !== 'number' || Number.isNaN(retryAfterMs)) return undefined;
  return Math.min(Math.max(retryAfterMs, MIN_WAIT_MS), MAX_WAIT_MS);
}

function without(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
}

/** `known` and every form of `texts`, longest first. */
function joined(known: readonly string[], texts: readonly string[]): readonly string[] {
  return [...new Set([...known, ...texts.flatMap(formsOf)])].sort((a, b) => b.length - a.length).slice(0, MAX_FORMS);
}

export function createKnownSecrets(): KnownSecrets {
  // Longest first: one may be the beginning of another.
  let known: readonly string[] = [];
  let tokens: readonly string[] = [];
  /** Many short strings, made when an error first asks for them. */
  let pieces: ReadonlySet<string> | undefined;
  const masked = (text: string): string => {
    pieces ??= piecesOf(known);
    return hidePieces(without(text, known), pieces, MASK);
  };

  const maskedError = (thrown: unknown): AppError => {
    const error = toAppError(thrown);
    const { code: said, kind, details } = error;
    // Of a connector it need not be a text, whatever its type says.
    const told: unknown = error.message;
    const message = String(told);
    const code = Object.hasOwn(ERROR_CODES, said) ? said : 'internal';
    const written = factsOf(details);
    const facts = written ?? OMITTED;
    const retryAfterMs = waitOf(error.retryAfterMs);
    const isOurs = said === code && kind === ERROR_CODES[code] && error.retryAfterMs === retryAfterMs;
    const isClean = masked(message) === told && masked(facts) === written;
    // A cause that quotes the secret would be logged with the error: it goes, too.
    const cause = inspect(error.cause, { depth: 4, maxStringLength: 10_000 });
    if (isOurs && isClean && masked(cause) === cause) return error;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new AppError(code, masked(message), { details: factsIn(masked(facts)), ...wait });
  };
  const mask = (thrown: unknown): AppError => {
    try {
      return maskedError(thrown);
    } catch {
      // A getter or a proxy threw. The run must still end.
      return new AppError('internal', 'unexpected error: one that cannot be read');
    }
  };

  return {
    learn(secret) {
      const texts = textsIn(secret.reveal()).filter((text) => text.length >= MIN_CHARS && !INSTANT.test(text));
      const some = texts.slice(0, MAX_TEXTS);
      known = joined(known, some);
      tokens = joined(
        tokens,
        some.filter((text) => text.length >= MIN_TOKEN_CHARS),
      );
      pieces = undefined;
    },
    mask,
    maskDetails: (details) => factsIn(masked(factsOf(details) ?? OMITTED)),
    maskAnswer: (text) => without(text, tokens),
    longestToken: () => tokens[0]?.length ?? 0,
    maskReport: ({ code, message, details = {} }) => reportOf(mask(new AppError(code, message, { details }))),
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
