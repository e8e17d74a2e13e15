// The one GET by which Meta asks whether an address is ours, before anything is sent there.

import { randomBytes } from 'node:crypto';

export interface HandshakeResult {
  readonly isVerified: boolean;
  /** HTTP status; null: no answer. */
  readonly status: number | null;
  readonly contentType: string | null;
  readonly body: string;
}

const ANSWER_TIMEOUT_MS = 10_000;

/** Asks with a challenge; only its exact echo under 200 counts. The request is not signed. */
export async function handshake(url: string, verifyToken: string): Promise<HandshakeResult> {
  const challenge = String(randomBytes(4).readUInt32BE());
  const address = new URL(url);
  address.searchParams.set('hub.mode', 'subscribe');
  address.searchParams.set('hub.challenge', challenge);
  address.searchParams.set('hub.verify_token', verifyToken);
  try {
    const answer = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const body = await answer.text();
    const isVerified = answer.status === 200 && body === challenge;
    return { isVerified, status: answer.status, contentType: answer.headers.get('content-type'), body };
  } catch {
    return { isVerified: false, status: null, contentType: null, body: '' };
  }
}
