// A secret as somebody may repeat it: encoded in the usual ways, alone or inside a longer text, and in pieces.

/** Of the shortest piece that is worth hiding: half a token narrows down the rest. */
const PIECE_CHARS = 12;
/** Nobody's credential is longer; a certificate's first half is enough to find it. */
const MAX_CHARS = 4_096;

/** Base64 of the text as it stands inside that of a longer one, `lead` bytes into a group of three. */
function base64Inside(bytes: Buffer, lead: number): string {
  const text = Buffer.concat([Buffer.alloc(lead), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  // The characters at both ends are decided by the neighbours, too.
  return text.slice(lead === 0 ? 0 : lead + 1, (lead + bytes.length) % 3 === 0 ? undefined : -1);
}

/** Longest first, so that a form is not found inside another one. */
export function formsOf(secret: string): readonly string[] {
  const text = secret.slice(0, MAX_CHARS);
  const bytes = Buffer.from(text, 'utf8');
  const base64 = [0, 1, 2].map((lead) => base64Inside(bytes, lead));
  const hex = bytes.toString('hex');
  const forms = [
    text,
    encodeURIComponent(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('base64'),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    hex,
    hex.toUpperCase(),
  ];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

export function piecesOf(forms: Iterable<string>): ReadonlySet<string> {
  const pieces = new Set<string>();
  for (const form of forms)
    for (let at = 0; at + PIECE_CHARS <= form.length; at += 1) pieces.add(form.slice(at, at + PIECE_CHARS));
  return pieces;
}

/** `text` with `mask` for every stretch that is made of pieces. */
export function hidePieces(text: string, pieces: ReadonlySet<string>, mask: string): string {
  let shown = '';
  let from = 0;
  for (let at = 0; at + PIECE_CHARS <= text.length; at += 1) {
    if (!pieces.has(text.slice(at, at + PIECE_CHARS))) continue;
    let end = at + 1;
    while (end + PIECE_CHARS <= text.length && pieces.has(text.slice(end, end + PIECE_CHARS))) end += 1;
    end += PIECE_CHARS - 1;
    shown += text.slice(from, at) + mask;
    from = end;
    at = end - 1;
  }
  return shown + text.slice(from);
}
