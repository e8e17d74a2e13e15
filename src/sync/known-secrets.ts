// What a run has in hand and nobody else may read. Platforms echo credentials, and connectors quote platforms: whatever an
// error says is searched for these very values before it is written anywhere.

import { inspect } from 'node:util';
import { AppError, toAppError, type ErrorReport } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';

export interface KnownSecrets {
  /** Remembers every text inside a credential. */
  learn(secret: Secret<unknown>): void;
  /** Any thrown value as an error that holds none of them. */
  mask(thrown: unknown): AppError;
  maskReport(report: ErrorReport): ErrorReport;
}

/** Shorter texts are words that errors are made of. */
const MIN_CHARS = 8;
/** Credentials have a handful of members. */
const MAX_TEXTS = 100;
const MASK = '[secret]';

/** The texts inside a JSON value. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** As a platform may repeat it. */
const formsOf = (text: string): readonly string[] => [
  text,
  encodeURIComponent(text),
  JSON.stringify(text).slice(1, -1),
  Buffer.from(text, 'utf8').toString('base64'),
];

export function createKnownSecrets(): KnownSecrets {
  const known = new Set<string>();
  const masked = (text: string): string => {
    let rest = text;
    for (const secret of known) rest = rest.replaceAll(secret, MASK);
    return rest;
  };
  const maskedDetails = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    JSON.parse(masked(JSON.stringify(details))) as Readonly<Record<string, unknown>>;

  return {
    learn(secret) {
      for (const text of textsIn(secret.reveal())) {
        if (text.length < MIN_CHARS || known.size >= MAX_TEXTS) continue;
        for (const form of formsOf(text)) known.add(form);
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
