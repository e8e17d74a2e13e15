// JSON as Meta writes it into webhooks: nothing but ASCII, slashes escaped, and a few signs more. Whoever parses and writes it
// again has other bytes, which no signature fits.

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** Digits of any length as a JSON number, which a double could not hold. */
export function exactNumber(digits: string): unknown {
  return rawJson(digits);
}

/** The body of a webhook; it has only ASCII signs, so its text is its bytes. */
export function metaJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[/<%@\u007F-\uFFFF]/g, escaped);
}

/** Slashes and other signs stand only inside texts, where any sign may be escaped. */
function escaped(sign: string): string {
  if (sign === '/') return '\\/';
  const code = sign.charCodeAt(0).toString(16).padStart(4, '0');
  return `\\u${'<%@'.includes(sign) ? code.toUpperCase() : code}`;
}
