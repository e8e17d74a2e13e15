// Credentials through the vault: sealed columns ↔ a checked credential of a connector. The context that a ciphertext is
// bound to (user, integration, platform, version) is put together here and nowhere else.

import { AppError } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector, OAuthApp } from '../connectors/contract/connector.ts';
import type { NewCredential, SealedColumns, StoredCredential } from '../store/credentials.ts';
import type { StoredOAuthApp } from '../store/oauth-apps.ts';
import type { ExchangePart } from '../store/exchange-secrets.ts';
import type { Opener } from '../vault/opener.ts';
import type { SealContext, Sealer } from '../vault/sealer.ts';
import { openPart, sealPart, type ExchangePlace } from './exchange-vault.ts';

/** A credential as it came out of the vault, with the version that a refresh would replace. */
export interface OpenCredential {
  readonly value: Secret<unknown>;
  readonly version: number;
  readonly expiresAt: Date | null;
}

export interface CredentialVault {
  open(stored: StoredCredential, connector: AnyConnector): OpenCredential;
  openApp(stored: StoredOAuthApp): OAuthApp;
  /** A part of an exchange. */
  openPart(place: ExchangePlace, part: ExchangePart, sealed: SealedColumns): Secret;
  sealPart(place: ExchangePlace, part: ExchangePart, value: Secret): SealedColumns;
  seal(
    target: Pick<NewCredential, 'integrationId' | 'userId' | 'version' | 'expiresAt'>,
    value: Secret<unknown>,
    platform: PlatformId,
  ): NewCredential;
}

/** What the secret of an OAuth app is bound to; it belongs to no user. */
export function oauthAppContext(platform: PlatformId, version: number): SealContext {
  return { purpose: 'oauth', userId: '', integrationId: '', platform, version };
}

function credentialContext(
  { userId, integrationId, version }: Pick<NewCredential, 'userId' | 'integrationId' | 'version'>,
  platform: PlatformId,
): SealContext {
  return { purpose: 'credential', userId, integrationId, platform, version };
}

/** A new credential, sealed; needs public keys only. */
export function sealCredential(
  sealer: Sealer,
  target: Pick<NewCredential, 'integrationId' | 'userId' | 'version' | 'expiresAt'>,
  value: Secret<unknown>,
  platform: PlatformId,
): NewCredential {
  const { integrationId, userId, version, expiresAt } = target;
  const sealed = sealer.seal(new Secret(JSON.stringify(value.reveal())), credentialContext(target, platform));
  return {
    integrationId,
    userId,
    version,
    expiresAt,
    ciphertext: sealed.ciphertext,
    wrappedKey: sealed.wrappedKey,
    keyId: sealed.keyId,
  };
}

export function createCredentialVault(sealer: Sealer, opener: Opener): CredentialVault {
  return {
    open(stored, connector) {
      const text = opener.open(stored, credentialContext(stored, connector.platform));
      const value = connector.credential.safeParse(JSON.parse(text.reveal()));
      if (!value.success)
        throw new AppError('credential.invalid', `the stored credential does not fit ${connector.displayName}`);
      return { value: new Secret(value.data), version: stored.version, expiresAt: stored.expiresAt };
    },
    openApp(stored) {
      return {
        clientId: stored.clientId,
        clientSecret: opener.open(stored, oauthAppContext(stored.platform, stored.version)),
      };
    },
    openPart: (place, part, sealed) => openPart(opener, place, part, sealed),
    sealPart: (place, part, value) => sealPart(sealer, place, part, value),
    seal: (target, value, platform) => sealCredential(sealer, target, value, platform),
  };
}
