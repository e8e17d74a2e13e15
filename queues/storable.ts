// Results and errors as both stores can keep them: no NUL, no half character, no cycles, bounded. They are for people, not
// for transport.

import type { ErrorReport } from '../src/core/errors.ts';
import { storableJson, storableText } from '../src/core/storable.ts';

const MAX_RESULT_CHARS = 16_384;

export function storable<T>(value: T): T | string | undefined {
  if (value === undefined) return undefined;
  try {
    const text = storableJson(value);
    if (text === undefined) return undefined;
    return text.length > MAX_RESULT_CHARS
      ? `${storableText(text.slice(0, MAX_RESULT_CHARS))}…`
      : (JSON.parse(text) as T);
  } catch {
    return 'not representable as JSON';
  }
}

export function storableError(error: ErrorReport): ErrorReport {
  const stored = storable(error);
  return typeof stored === 'object' ? stored : { code: error.code, kind: error.kind, message: 'too long to be stored' };
}
