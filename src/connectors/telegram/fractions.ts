// Fractions of the Bot API as the numbers that they are. Exact JSON hands over as text whatever is not a whole number, for the sake of
// money and long ids; the Bot API's ids fit a double (52 bits), and its fractions are places and scales.

/** All of them, wherever they stand in an update (10.1, 2026-06-11); no other member has such a name. */
const FRACTIONS: ReadonlySet<string> = new Set([
  'latitude',
  'longitude',
  'horizontal_accuracy',
  'x_shift',
  'y_shift',
  'scale',
]);

/** What came, with its fractions as numbers. */
export function withFractions(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return FRACTIONS.has(name) && value !== '' ? fraction(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => withFractions(item));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withFractions(member, key)]));
}

function fraction(text: string): unknown {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
