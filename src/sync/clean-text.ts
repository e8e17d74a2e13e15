// Text that Postgres can keep. It has no NUL, and JSON documents no half of a surrogate pair; platforms send both. They
// are taken out rather than quarantined: losing a posting for an invisible character would be silly. The run says how
// many texts were cleaned; what was stored is then not byte for byte what came.

export interface Cleaned<T> {
  readonly value: T;
  /** How many texts had to be changed. */
  readonly count: number;
}

export function cleanText(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.replaceAll('\0', '').toWellFormed() : text;
}

/** A record with clean texts at any depth; the same object when nothing had to be changed. */
export function cleanRecord<T extends object>(record: T): Cleaned<T> {
  let count = 0;
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const cleaned = cleanText(value);
      if (cleaned !== value) count += 1;
      return cleaned;
    }
    if (value === null || typeof value !== 'object' || value instanceof Date) return value;
    const before = count;
    const copy = Array.isArray(value)
      ? value.map(clean)
      : Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key), clean(member)]));
    return count === before ? value : copy;
  };
  const value = clean(record) as T;
  return { value, count };
}
