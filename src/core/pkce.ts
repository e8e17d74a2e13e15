// Proof Key for Code Exchange (RFC 7636), method S256: whoever catches the code on its way cannot spend it without the
// verifier, which never travels through a browser.

import { createHash, randomBytes } from 'node:crypto';
import { Secret } from './secret.ts';

const VERIFIER_BYTES = 32;

/** 43 characters of the unreserved alphabet. */
export function createVerifier(): Secret {
  return new Secret(randomBytes(VERIFIER_BYTES).toString('base64url'));
}

/** What goes to the page of consent. */
export function challengeOf(verifier: Secret): string {
  return createHash('sha256').update(verifier.reveal()).digest('base64url');
}
