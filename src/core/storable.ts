// Text as Postgres can keep it. It has no NUL and, in JSON, no half of a surrogate pair; platforms send the one, and
// cutting a text to a length makes the other.

export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

function storableMember(member: unknown): unknown {
  if (typeof member === 'string') return storableText(member);
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
  const entries = Object.entries(member);
  if (entries.every(([name]) => isStorable(name))) return member;
  return Object.fromEntries(entries.map(([name, value]) => [storableText(name), value as unknown]));
}

/** Of a JSON value: whether objects and lists are nested deeper than that. Works at any depth, unlike `JSON.stringify`. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  const open: { readonly value: unknown; readonly level: number }[] = [{ value, level: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: at, level } = next;
    if (typeof at !== 'object' || at === null) continue;
    if (level === levels) return true;
    for (const member of Object.values(at) as unknown[]) open.push({ value: member, level: level + 1 });
  }
  return false;
}

/** As `JSON.stringify`, with names and texts at any depth that `jsonb` takes. */
export function storableJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_name, member: unknown) => storableMember(member));
}
