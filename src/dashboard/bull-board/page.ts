// Bull Board's page as we serve it: it asks nobody but us, and carries neither style nor script of its own, so that the
// policy of our pages holds for it. The one thing more is a nonce for the styles that its libraries add while it runs.

import { createHash } from 'node:crypto';
import { PAGE_CSS, PAGE_SCRIPT } from './page-files.ts';

/** Its fonts come from elsewhere; ours are the same ones. */
const FOREIGN_LINKS = /<link\b[^>]*\bhref="https?:[^>]*>\s*/g;
/** What is shown until the script has started, with its inline style. */
const PLACEHOLDER = /<div id="root">[\s\S]*<\/style>\s*<\/div>/;

export interface PageFile {
  /** Under the board's address; its name changes with its content. */
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

function fileOf(extension: 'css' | 'js', type: string, text: string): PageFile {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return { path: `own/page.${hash}.${extension}`, type, text };
}

const CSS = fileOf('css', 'text/css', PAGE_CSS);
const SCRIPT = fileOf('js', 'text/javascript', PAGE_SCRIPT);

export const PAGE_FILES: readonly PageFile[] = [CSS, SCRIPT];

export interface PageOptions {
  readonly nonce: string;
  /** Whether clearing the history is offered. */
  readonly history: 'purgeable' | 'kept';
}

export function ownPage(html: string, { nonce, history }: PageOptions): string {
  const head = [
    '<link rel="stylesheet" href="/assets/fonts.css">',
    `<link rel="stylesheet" href="${CSS.path}">`,
    // Before the board's own scripts, which are deferred.
    `<script nonce="${nonce}" src="${SCRIPT.path}"></script>`,
  ];
  const page = html
    .replaceAll(FOREIGN_LINKS, '')
    .replace(PLACEHOLDER, '<div id="root"><p class="board-loading">Loading</p></div>')
    .replace('</head>', `${head.join('\n')}</head>`);
  return history === 'purgeable' ? page : page.replace('"canPurgeHistory":true', '"canPurgeHistory":false');
}
