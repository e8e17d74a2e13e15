// What a user reads who comes back from a platform. The page never repeats anything of its own address.

import { escapeHtml, htmlPage } from './html-page.ts';

const CLOSE = '<p class="hint">You can close this page.</p>';

/** `platform`: as people call it. */
export function receivedPage(platform: string): string {
  const name = escapeHtml(platform);
  return htmlPage(
    'Account received',
    `<p>${name} has sent you back with your consent. Your account is being connected now; it takes a few seconds.</p>
<p>If you act for several organisations there, whoever sent you here is asked which one to use. They also see when the first
sync has begun.</p>
${CLOSE}`,
  );
}

export function deniedPage(platform: string): string {
  const name = escapeHtml(platform);
  return htmlPage(
    'Nothing connected',
    `<p class="problem" role="alert">${name} says that you did not consent. Nothing was connected and nothing was changed.</p>
<p>To connect the account after all, ask for a new link where you found this one.</p>
${CLOSE}`,
  );
}

export function unknownPage(): string {
  return htmlPage(
    'Link is over',
    `<p class="problem" role="alert">This link is over: it was used before, is older than ten minutes, or is not whole.</p>
<p>Nothing was changed. Ask for a new link where you found this one.</p>
${CLOSE}`,
  );
}

export function lockedPage(): string {
  return htmlPage(
    'Try again later',
    `<p class="problem" role="alert">Too many wrong links came from your address: it is locked out for a while.</p>
<p>Your link may be over when you try again; then ask for a new one.</p>`,
  );
}
