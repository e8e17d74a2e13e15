// What a run has in hand and nobody else may read. Platforms echo credentials, and connectors quote platforms: whatever an
// error says is searched for these very values before it is written anywhere. What a connector throws may be anything, so
// nothing of it is taken as it is: masking never throws, and its result has a code, a kind, a wait and a size of ours.

import { inspect } from 'node:util';
import { DAY_MS, SECOND_MS } from '../core/duration.ts';
import { ERROR_CODES } from '../core/error-codes.ts';
import { AppError, reportOf, toAppError, type ErrorReport } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { EventFields, EventLog } from '../telemetry/event-log.ts';
import { sanitize } from '../telemetry/sanitize.ts';
import type { CredentialAccess } from '../connectors/contract/stream.ts';

export interface KnownSecrets {
  /** Remembers every text inside a credential. */
  learn(secret: Secret<unknown>): void;
  /** Any thrown value as an error that holds none of them. Never throws. */
  mask(thrown: unknown): AppError;
  /** Any complaint in the form in which it is stored. */
  maskReport(report: ErrorReport): ErrorReport;
  /** The same log for a connector; lines that hold one are written as plain values with it masked. */
  maskLog(log: EventLog): EventLog;
}

/** Shorter texts are words that errors are made of. */
const MIN_CHARS = 8;
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

/** As a platform may repeat it. */
function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text, 'utf8');
  // Without the padding it is found with it, too.
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const escaped = [encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
  return [text, ...escaped, base64, bytes.toString('base64url'), bytes.toString('hex')];
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

export function createKnownSecrets(): KnownSecrets {
  // Longest first: one may be the beginning of another.
  let known: readonly string[] = [];
  const masked = (text: string): string => known.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);

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

  const maskedFields = (fields: EventFields): EventFields => {
    const written = JSON.stringify(sanitize(fields, { stacks: 'hidden' }));
    return masked(written) === written ? fields : factsIn(masked(written));
  };
  // Masked as a line is written, because its fields may be older than what is known.
  const maskLog = (log: EventLog, base: EventFields = {}): EventLog => ({
    emit: (event, fields) => log.emit(event, maskedFields({ ...base, ...fields })),
    with: (fields) => maskLog(log, { ...base, ...fields }),
  });

  return {
    learn(secret) {
      const texts = textsIn(secret.reveal()).filter((text) => text.length >= MIN_CHARS);
      const forms = texts.slice(0, MAX_TEXTS).flatMap(formsOf);
      known = [...new Set([...known, ...forms])].sort((a, b) => b.length - a.length).slice(0, MAX_FORMS);
    },
    mask,
    maskLog: (log) => maskLog(log),
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
