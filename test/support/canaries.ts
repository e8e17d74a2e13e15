// Looking for secrets where they must not be: each in every form in which a program may write it, and any longer piece of it.

const PIECE_CHARS = 16;

/** A secret with the name under which a hit is reported. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const pieces = Array.from({ length: Math.max(1, value.length - PIECE_CHARS + 1) }, (_, at) =>
    value.slice(at, at + PIECE_CHARS),
  );
  const whole = [encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
  // A base64 text begins the same whatever follows, up to its last group.
  const encoded = [bytes.toString('base64'), bytes.toString('base64url')].map((text) => text.replace(/.{0,4}=*$/, ''));
  return [...new Set([...pieces, ...whole, ...encoded, bytes.toString('hex')])];
}

/** Names of the canaries that a text holds, with a little of what stands before each. */
export function findCanaries(text: string, canaries: readonly Canary[]): readonly string[] {
  return canaries.flatMap(({ name, value }) => {
    const form = formsOf(value).find((each) => text.includes(each));
    if (form === undefined) return [];
    const at = text.indexOf(form);
    return [`${name} after ${JSON.stringify(text.slice(Math.max(0, at - 80), at))}`];
  });
}
