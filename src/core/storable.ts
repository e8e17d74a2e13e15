// Text as Postgres can keep it. It has no NUL and, in JSON, no half of a surrogate pair; platforms send the one, and
// cutting a text to a length makes the other.

export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** As `JSON.stringify`, with texts at any depth that `jsonb` takes. */
export function storableJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'string' ? storableText(member) : member,
  );
}
