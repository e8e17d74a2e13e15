// A log line for people at a terminal: one line each, whatever the fields hold. Control characters are escaped, so that
// a platform's text can neither forge a line nor move the cursor.

const COLORS: Readonly<Record<string, string>> = { debug: '90', info: '32', warn: '33', error: '31' };
const HEAD = new Set(['time', 'level', 'event', 'msg', 'role', 'pid']);
const PLAIN = /^[\w.:/@+-]+$/;

function escaped(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function renderValue(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  return escaped(JSON.stringify(value));
}

/** The sentence of an error instead of its JSON: `config.invalid: expected …`. */
function renderField([key, value]: [string, unknown]): string {
  if (key === 'error' && typeof value === 'object' && value !== null && 'message' in value) {
    const { code, name, message, causes, stack, ...rest } = value as Record<string, unknown>;
    const others = Object.entries({ ...rest, causes, stack }).filter(([, member]) => member !== undefined);
    const sentence = `${String(code ?? name)}: ${String(message)}`;
    return [`error=${escaped(JSON.stringify(sentence))}`, ...others.map(renderField)].join(' ');
  }
  return `${key}=${renderValue(value)}`;
}

/** Sanitised fields as `name=value`, on one line. */
export function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields).map(renderField).join(' ');
}

interface Line {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly msg: string;
  readonly role?: unknown;
  readonly [field: string]: unknown;
}

/** `line` is one JSON line of the log; the result ends with a line feed. */
export function prettyLine(line: string, palette: 'color' | 'plain'): string {
  const record = JSON.parse(line) as Line;
  const paint = (code: string, text: string): string =>
    palette === 'color' ? `\u001b[${code}m${text}\u001b[0m` : text;
  const { time, level, event, msg, role } = record;
  const fields = Object.entries(record)
    .filter(([key]) => !HEAD.has(key))
    .map(renderField);
  const head = [
    paint('90', time.slice(11, 23)),
    paint(COLORS[level] ?? '0', level.padEnd(5)),
    ...(typeof role === 'string' ? [escaped(role).padEnd(9)] : []),
    msg,
  ];
  return `${[...head, paint('90', [event, ...fields].join(' '))].join(' ')}\n`;
}
