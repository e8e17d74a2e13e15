// What commands print. One place for tables, key-value lists and JSON, so that `--json` means the same everywhere:
// exactly one JSON document on stdout, everything else on stderr.

export interface Output {
  readonly json: boolean;
  /** Whether stdout is a terminal that can redraw a line. */
  readonly interactive: boolean;
  /** A line on stdout; nothing with `--json`. */
  line(text?: string): void;
  /** A line on stderr, for people who wait. */
  note(text: string): void;
  /** The command's result: with `--json` as one document, else through `show`. */
  result(value: unknown, show: () => void): void;
}

export interface Streams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

export function createOutput({ stdout, stderr }: Streams, json: boolean): Output {
  const line = (text = ''): void => {
    if (!json) stdout.write(`${text}\n`);
  };
  return {
    json,
    interactive: stderr.isTTY === true,
    line,
    note: (text) => void stderr.write(`${text}\n`),
    result(value, show) {
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`);
      else show();
    },
  };
}

/** A value for a table cell: instants without milliseconds, nothing as a dash. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, 'Z');
  if (Array.isArray(value)) return value.map(cell).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Rows as aligned columns with a head; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => [...(row[column] ?? '')].length)),
  );
  const render = (row: readonly string[], values?: readonly unknown[]): string =>
    row
      .map((text, column) => {
        const gap = ' '.repeat(Math.max(0, widths[column]! - [...text].length));
        return typeof values?.[column] === 'number' ? gap + text : text + gap;
      })
      .join('  ')
      .trimEnd();
  return [
    render(head),
    widths.map((width) => '─'.repeat(width)).join('  '),
    ...cells.map((row, index) => render(row, rows[index])),
  ].join('\n');
}

/** A list of facts, names aligned. */
export function facts(values: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`)
    .join('\n');
}
