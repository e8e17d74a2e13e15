// The style of our own pages, and their icon: water below the line that it left.

export const CONSOLE_CSS = `
:root { color-scheme: light dark; --ground: #f4f6f8; --sheet: #fff; --ink: #17202a; --soft: #5b6875; --line: #d5dce3; --tide: #0b6e8f; --warn: #a4262c; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12171d; --sheet: #1a2129; --ink: #e6ebf0; --soft: #93a1b0; --line: #2d3843; --tide: #3aa7cc; --warn: #f1707b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 'IBM Plex Sans', system-ui, sans-serif; }
code { font: 0.9em 'IBM Plex Mono', ui-monospace, monospace; }
.sign-in { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; }
.sign-in main { width: 100%; max-width: 26rem; background: var(--sheet); border: 1px solid var(--line); border-top: 4px solid var(--tide); border-radius: 6px; padding: 2rem; }
h1 { margin: 0 0 0.5rem; font-size: 1.5rem; font-weight: 600; }
label { display: block; margin: 1.25rem 0 0.35rem; font-weight: 500; }
input:not([type='hidden']) { width: 100%; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 4px; background: var(--ground); color: inherit; font: inherit; }
button { margin-top: 1rem; width: 100%; padding: 0.65rem; border: 0; border-radius: 4px; background: var(--tide); color: #fff; font: inherit; font-weight: 500; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--tide); outline-offset: 2px; }
.problem { margin: 1rem 0 0; padding: 0.6rem 0.75rem; border-left: 4px solid var(--warn); color: var(--warn); background: var(--ground); }
.hint { margin: 1.5rem 0 0; color: var(--soft); font-size: 0.9rem; }
`;

export const TIDEMARK_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b6e8f"/><path d="M4 11h24" stroke="#fff" stroke-width="2" stroke-dasharray="3 2"/><path d="M4 20q3-4 6 0t6 0 6 0 6 0v8H4z" fill="#9bd7ea"/></svg>`;
