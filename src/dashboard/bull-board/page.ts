// Bull Board's page as we serve it: it asks nobody but us, and carries neither style nor script of its own, so that the
// policy of our pages holds for it.

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
