// Secrets inside free text: error messages quote URLs, headers and bodies. Masking errs on the side of hiding too much.
// Every pattern is bounded, so that a hostile text costs linear time.

const HIDDEN = '[redacted]';

const SECRET_FIELD =
  '(?:access_?token|refresh_?token|id_?token|input_?token|bot_?token|client_?secret|api_?key|token|secret|password|passwd|code_?verifier|signature)';

const RULES: readonly (readonly [RegExp, string])[] = [
  // https://user:password@host; in other schemes a password is often written with its slashes unescaped.
  [/\b(https?:\/\/)[^\s/?#"'<>@]{0,500}@/gi, `$1${HIDDEN}@`],
  [/\b(?!https?:)([a-z][a-z\d+.-]{0,30}:\/\/)[^\s"'<>]{0,500}@/gi, `$1${HIDDEN}@`],
  // A Telegram bot token stands in the path of every request to its API.
  [/(?<!\d)\d{6,12}:[\w-]{30,}/g, HIDDEN],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [new RegExp(String.raw`("${SECRET_FIELD}"\s{0,9}:\s{0,9})"[^"]*"?`, 'gi'), `$1"${HIDDEN}"`],
  [new RegExp(String.raw`\b(${SECRET_FIELD}=)[^\s&"'<>;,]+`, 'gi'), `$1${HIDDEN}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, HIDDEN],
  [/\b(?:gh[oprsu]_|github_pat_)\w{20,}/g, HIDDEN],
  // Meta's.
  [/\bEAA[A-Za-z0-9]{20,}/g, HIDDEN],
  // Upwork's, and our own.
  [/\boauth2v2_\w{8,}/g, HIDDEN],
  [/\btm_[\w-]{20,}/g, HIDDEN],
];

/** How far beyond the limit text is masked before it is cut, so that the cut cannot bare a secret's first half. */
const OVERHANG = 2_000;

/** `text` without the secrets that have a known form, at most `limit` characters long. */
export function maskText(text: string, limit: number): string {
  const looked = text.length > limit + OVERHANG ? text.slice(0, limit + OVERHANG) : text;
  const masked = RULES.reduce((rest, [pattern, mask]) => rest.replace(pattern, mask), looked);
  const cut = masked.length > limit || looked !== text;
  return cut ? `${masked.slice(0, limit)}… (${text.length} characters)` : masked;
}
