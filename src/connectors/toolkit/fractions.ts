// Fractions as the numbers that they are. Exact JSON hands over as text whatever is not a whole number, for the sake of money and long
// ids; places and scales are neither.

/** What came, with the fractions of these members as numbers, wherever they stand in it; texts that are no number stay. */
export function withFractions(value: unknown, members: ReadonlySet<string>, name = ''): unknown {
  if (typeof value === 'string') return members.has(name) && value !== '' ? fraction(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => withFractions(item, members));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withFractions(member, members, key)]));
}

function fraction(text: string): unknown {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
