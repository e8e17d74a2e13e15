// Looking for secrets where they must not be: each in every form in which a program may write it, and any longer piece of
// each form.

/** Characters of the shortest piece that counts: what is cut off half-way is half known. */
export const PIECE_CHARS = 12;

/** A secret with the name under which a hit is reported. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** Where base64 of a longer text may begin inside a group of three bytes. */
const ALIGNMENTS = [0, 1, 2] as const;

/** Base64 as it stands inside that of a longer text, without the characters that its neighbours decide. */
function base64Inside(bytes: Buffer, alignment: number): string {
  const text = Buffer.concat([Buffer.alloc(alignment), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = alignment === 0 ? 0 : alignment + 1;
  return text.slice(first, (alignment + bytes.length) % 3 === 0 ? undefined : -1);
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const base64 = ALIGNMENTS.map((alignment) => base64Inside(bytes, alignment));
  const hex = bytes.toString('hex');
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    hex,
    hex.toUpperCase(),
  ];
}

export interface CanarySearch {
  /** Names of the canaries that a text holds, each with a little of what stands before it. */
  find(text: string): readonly string[];
}

/** Throws for a value that is too short to be told from other text. */
export function searchFor(canaries: readonly Canary[]): CanarySearch {
  const pieces = new Map<string, string>();
  for (const { name, value } of canaries) {
    if (value.length < PIECE_CHARS) throw new Error(`${name} is too short to be a canary`);
    for (const form of formsOf(value))
      for (let at = 0; at + PIECE_CHARS <= form.length; at += 1) pieces.set(form.slice(at, at + PIECE_CHARS), name);
  }
  return {
    find(text) {
      const found = new Map<string, string>();
      for (let at = 0; at + PIECE_CHARS <= text.length; at += 1) {
        const name = pieces.get(text.slice(at, at + PIECE_CHARS));
        if (name === undefined || found.has(name)) continue;
        found.set(name, `${name} after ${JSON.stringify(text.slice(Math.max(0, at - 100), at))}`);
      }
      return [...found.values()];
    },
  };
}
