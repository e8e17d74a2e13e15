// Script and style that we add to Bull Board's page, as files of their own.

/**
 * Two of the board's libraries (the code editor and the select box) add `<style>` elements while they run: they get the
 * page's nonce, which markup that somebody smuggles in does not have. And whoever is signed out is led to the sign-in page
 * instead of being told so with every poll.
 */
export const PAGE_SCRIPT = `'use strict';
(() => {
  const { nonce } = document.currentScript;
  for (const name of ['createElement', 'createElementNS']) {
    const create = Document.prototype[name];
    Document.prototype[name] = function (...args) {
      const made = create.apply(this, args);
      if (made instanceof HTMLStyleElement || made instanceof SVGStyleElement) made.nonce = nonce;
      return made;
    };
  }
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (...args) {
    this.addEventListener('loadend', () => {
      if (this.status !== 401) return;
      location.assign('/sign-in?next=' + encodeURIComponent(location.pathname + location.search));
    });
    return open.apply(this, args);
  };
})();
`;

/** Payload and time of a job do not change, so the buttons for it (a pencil, a clock) are not offered; the server refuses. */
export const PAGE_CSS = `[class*='jobActions'] li:has(.lucide-pencil, .lucide-clock) {
  display: none;
}
.board-loading {
  display: grid;
  place-items: center;
  min-height: 100vh;
  margin: 0;
  font: 0.85rem 'IBM Plex Sans', sans-serif;
  color: #8b96a5;
  background: #151a21;
}
`;
