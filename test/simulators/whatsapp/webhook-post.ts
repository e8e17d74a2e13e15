// One attempt to bring a webhook: signed over exactly the bytes that are sent.

import { createHmac } from 'node:crypto';
import type { WhatsappTraps } from './traps.ts';
import type { App } from './world.ts';

export interface Posting {
  readonly app: App;
  readonly url: string;
  /** ASCII: its signs are its bytes. */
  readonly body: string;
}

/** HTTP status of the answer; null: there was none. */
export async function post(
  { app, url, body }: Posting,
  { traps, signal }: { readonly traps: WhatsappTraps; readonly signal: AbortSignal },
): Promise<number | null> {
  try {
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'facebookexternalua',
      ...signatures(app, body, traps.signature),
    };
    const answer = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}

/** Headers over exactly these bytes, keyed by the app's secret. */
function signatures({ secret }: App, body: string, how: WhatsappTraps['signature']): Record<string, string> {
  const hex = (algorithm: string, key: string): string => createHmac(algorithm, key).update(body).digest('hex');
  const old = { 'x-hub-signature': `sha1=${hex('sha1', secret)}` };
  const right = hex('sha256', secret);
  switch (how) {
    case 'valid':
      return { ...old, 'x-hub-signature-256': `sha256=${right}` };
    case 'missing':
      return {};
    case 'wrong':
      return { 'x-hub-signature-256': `sha256=${hex('sha256', `${secret} of somebody else`)}` };
    case 'short':
      return { 'x-hub-signature-256': `sha256=${right.slice(0, 40)}` };
    case 'sha1_only':
      return old;
  }
}
