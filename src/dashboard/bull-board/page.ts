// Bull Board's page as we serve it: it asks nobody but us, and carries neither style nor script of its own, so that the
// policy of our pages holds for it.

/**
 * The policy of all our pages, and one thing more: the board's script adds one style of its own, the same in every page, so it
 * is named by its hash (9.10.1, found by test). Anything else inline is refused.
 */
const ITS_STYLE = "'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='";
export const BOARD_POLICY =
  `default-src 'none'; script-src 'self'; style-src 'self' ${ITS_STYLE}; img-src 'self' data:; font-src 'self'; ` +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

/** Its fonts come from elsewhere; ours are the same ones. */
const FOREIGN_LINKS = /<link\b[^>]*\bhref="https?:[^>]*>\s*/g;
/** What is shown until the script has started, with its inline style. */
const PLACEHOLDER = /<div id="root">[\s\S]*<\/style>\s*<\/div>/;

export function ownPage(html: string): string {
  return html
    .replaceAll(FOREIGN_LINKS, '')
    .replace(PLACEHOLDER, '<div id="root"><p class="board-loading">Loading</p></div>')
    .replace('</head>', '<link rel="stylesheet" href="/assets/fonts.css"></head>');
}
