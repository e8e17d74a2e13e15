// "Did you mean …": the known name that a misspelt one is closest to.

/** Letters to insert, delete or replace to turn `a` into `b` (Levenshtein). */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** The nearest of `names`, or undefined when none is at most a third of its letters away. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  // Environment names are short; what is longer is no typing error and would only cost time.
  if (name.length > 100) return undefined;
  const ranked = names
    .map((known) => ({ known, away: distance(name, known) }))
    .filter(({ known, away }) => away <= Math.ceil(known.length / 3))
    .sort((a, b) => a.away - b.away);
  return ranked[0]?.known;
}
