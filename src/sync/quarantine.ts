// Bad records on their way into quarantine: sealed as they came, beside a view that shows names and types and no value.

import { hash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { Secret } from '../core/secret.ts';
import { isDeeperThan } from '../core/storable.ts';
import type { QuarantineRow } from '../store/quarantine.ts';
import type { Sealer } from '../vault/sealer.ts';
import { cleanText } from './clean-text.ts';
import type { BadRecord } from './validate.ts';

export interface QuarantineSource {
  readonly sealer: Sealer;
  readonly userId: string;
  readonly integrationId: string;
  readonly platform: string;
}

/** Version of the sealed form: canonical JSON of the raw record. */
const FORM_VERSION = 1;
const MAX_RAW_DEPTH = 200;
const MAX_DEPTH = 4;
const MAX_MEMBERS = 50;
const MAX_NAME = 64;
const MAX_TEXT = 500;

/** Rows for the store; a record that came twice is kept once. */
export function toQuarantineRows(
  bad: readonly BadRecord[],
  { sealer, userId, integrationId, platform }: QuarantineSource,
): readonly QuarantineRow[] {
  const rows = new Map<string, QuarantineRow>();
  for (const { key, raw, error } of bad) {
    // Writing it would overflow the stack, and with it the page of all others: only its shape is kept.
    const text = canonicalJson(isDeeperThan(raw, MAX_RAW_DEPTH) ? redact(raw, 0) : raw);
    const recordKey = key === null ? `sha256:${hash('sha256', text)}` : cleanText(key).slice(0, MAX_TEXT);
    const context = { purpose: 'quarantine', userId, integrationId, platform, version: FORM_VERSION } as const;
    const { path } = error.details;
    rows.set(recordKey, {
      recordKey,
      reasonCode: error.code,
      reason: cleanText(error.message).slice(0, MAX_TEXT),
      path: typeof path === 'string' ? cleanText(path).slice(0, MAX_TEXT) : null,
      redacted: redact(raw, 0),
      ...sealer.seal(new Secret(text), context),
      version: FORM_VERSION,
    });
  }
  return [...rows.values()];
}

/** The shape of a value: member names and types, lengths instead of texts. */
export function redact(value: unknown, depth: number): unknown {
  if (value === null) return null;
  if (typeof value === 'string') return `text of ${value.length}`;
  if (Array.isArray(value)) {
    const first = depth < MAX_DEPTH && value.length > 0 ? [redact(value[0], depth + 1)] : [];
    return { list: value.length, first };
  }
  if (typeof value !== 'object') return typeof value;
  if (depth >= MAX_DEPTH) return 'object';
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_MEMBERS)
      .map(([name, member]) => [cleanText(name).slice(0, MAX_NAME), redact(member, depth + 1)]),
  );
}
