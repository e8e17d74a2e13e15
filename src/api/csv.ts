// Comma-separated values (RFC 4180) that a spreadsheet opens without running anything: text that it would take for a formula gets an
// apostrophe before it, and numbers stay numbers.

export type CsvCell = string | number | null;

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/;
/** What begins a formula in one program or another, also behind white space; a lone carriage return or tab may end a cell. */
const FORMULA = /^\s*[=+\-@\t\r\n|%＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

function cellText(cell: CsvCell): string {
  if (cell === null) return '';
  const text = String(cell);
  if (typeof cell === 'number' || NUMBER.test(text)) return text;
  const safe = FORMULA.test(text) || /^[\t\r\n]/.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvText(head: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}
