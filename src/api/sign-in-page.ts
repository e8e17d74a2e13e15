// The page where a person brings a token. It works without script, and never shows again what was typed.

import { escapeHtml, htmlPage } from './html-page.ts';

export interface SignInPage {
  /** Where to go afterwards, a path of this server. */
  readonly next: string;
  /** Why the last try was refused. */
  readonly problem: string | null;
}

export function signInPage({ next, problem }: SignInPage): string {
  const alert = problem === null ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
  return htmlPage(
    'Sign in',
    `<p>Sign in with an API token. It needs the scope <code>read</code> to look; <code>operate</code> to pause, retry and clean,
<code>enqueue</code> to add jobs, <code>admin</code> for everything.</p>
${alert}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="${escapeHtml(next)}">
<label for="token">API token</label>
<input id="token" name="token" type="password" autocomplete="current-password" placeholder="tm_…" required autofocus>
<button type="submit">Sign in</button>
</form>
<p class="hint">No token? <code>tidemark tokens create --name you --scope read</code></p>`,
  );
}

/** Leaving changes something, so it is a form and not a link. */
export function signOutPage(): string {
  return htmlPage(
    'Sign out',
    `<p>This browser forgets your token; other ones keep theirs.</p>
<form method="post" action="/sign-out">
<button type="submit">Sign out</button>
</form>
<p class="hint"><a href="/queues">Back to the queues</a></p>`,
  );
}
