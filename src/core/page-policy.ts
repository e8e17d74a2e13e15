// What a page of ours may load and do: our own files, and nothing inline but styles that are named by hash or nonce.

/** `styles`: sources of inline styles that a page's own script adds, such as `'sha256-…'` or `'nonce-…'`. */
export function pagePolicy(...styles: readonly string[]): string {
  return (
    `default-src 'none'; script-src 'self'; style-src ${["'self'", ...styles].join(' ')}; img-src 'self' data:; ` +
    "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
  );
}
