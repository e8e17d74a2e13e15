// Connecting an account: the integration, its streams and its sealed credential, in the caller's transaction. Needs public
// keys only. No message ever quotes a value of a credential.

import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { issueText } from '../core/schema-issues.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Tx } from '../db/database.ts';
import { credentialVersion, insertCredential, replaceCredential } from '../store/credentials.ts';
import { forgetAccountProof } from '../store/account-proofs.ts';
import { addIntegration, setIntegrationStatus, type Integration } from '../store/integrations.ts';
import { unparkStreams, type NewStream, type Schedule } from '../store/streams.ts';
import { sealCredential } from '../sync/credential-vault.ts';
import type { Sealer } from '../vault/sealer.ts';
import { GRANT_CODES } from './grant-state.ts';

/** Problems of a zod error without the values that caused them. */
export function problemsOf(error: z.ZodError): string {
  return error.issues.map((issue) => issueText(issue, '(top level)')).join('; ');
}

/** Settings as the connector takes them. Throws `input.invalid` with all problems. */
export function parseSettings<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new AppError('input.invalid', `settings: ${problemsOf(parsed.error)}`);
  return parsed.data;
}

/** Credentials as the connector takes them, as a secret. Throws `credential.invalid`. */
export function parseCredentials<T>(schema: z.ZodType<T>, raw: unknown): Secret<T> {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new AppError('credential.invalid', `credentials: ${problemsOf(parsed.error)}`);
  return new Secret(parsed.data);
}

interface Target {
  readonly sealer: Sealer;
  readonly connector: AnyConnector;
  readonly credential: Secret<unknown>;
  readonly now: Date;
}

export interface NewAccount extends Target {
  /** Of the integration; default: a new one. */
  readonly id?: string;
  readonly userId: string;
  /** Whose account it is, where that is known already. */
  readonly externalAccountId?: string | null;
  /** Checked by the caller (`checkSchedule`). */
  readonly schedule: Schedule;
  /** Read through the connector's schema. */
  readonly settings: unknown;
  /** Default: as the platform says when it is asked. */
  readonly displayName?: string | undefined;
}

function expiryOf({ auth }: AnyConnector, credential: Secret<unknown>): Date | null {
  return auth.expiresAt?.(credential.reveal()) ?? null;
}

/** The streams of a platform with their default intervals. */
export function streamsOf({ streams }: AnyConnector): readonly NewStream[] {
  return streams.map(({ name, defaultIntervalMinutes }) => ({ name, intervalMinutes: defaultIntervalMinutes }));
}

/** Throws `input.invalid` for an unknown user. */
export async function addAccount(
  tx: Tx,
  { sealer, connector, credential, ...account }: NewAccount,
): Promise<Integration> {
  const { platform } = connector;
  const { userId } = account;
  const streams = streamsOf(connector);
  const displayName = account.displayName ?? null;
  const externalAccountId = account.externalAccountId ?? connector.accountOf?.(credential.reveal()) ?? null;
  const about = { platformId: platform, displayName, externalAccountId, status: 'connected', streams } as const;
  const added = { ...account, ...about };
  const integration = await addIntegration(tx, added);
  const target = { integrationId: integration.id, userId, version: 1, expiresAt: expiryOf(connector, credential) };
  await insertCredential(tx, sealCredential(sealer, target, credential, platform));
  return integration;
}

export interface Replacement extends Target {
  readonly integration: Integration;
}

/** Rows of one account must not go on with those of another one. */
function assertSameAccount(
  connector: AnyConnector,
  credential: Secret<unknown>,
  { externalAccountId }: Integration,
): void {
  const opened = connector.accountOf?.(credential.reveal());
  if (opened === undefined || externalAccountId === null || opened === externalAccountId) return;
  throw new AppError(
    'input.invalid',
    `expected credentials of the account ${externalAccountId}, got those of ${opened}`,
  );
}

/** Stores new credentials and connects the integration again, with the streams that the old ones did not open; the new version. */
export async function renewAccount(
  tx: Tx,
  { sealer, connector, credential, integration, now }: Replacement,
): Promise<number> {
  const { id: integrationId, userId } = integration;
  assertSameAccount(connector, credential, integration);
  const version = ((await credentialVersion(tx, integrationId)) ?? 0) + 1;
  const target = { integrationId, userId, version, expiresAt: expiryOf(connector, credential) };
  const sealed = sealCredential(sealer, target, credential, connector.platform);
  if (version === 1) await insertCredential(tx, sealed);
  else if (!(await replaceCredential(tx, sealed)))
    throw new AppError('credential.refresh_conflict', 'the credentials were replaced at the same moment: try again');
  await setIntegrationStatus(tx, { id: integrationId, status: 'connected', code: null, message: null, now });
  await forgetAccountProof(tx, integrationId);
  await unparkStreams(tx, integrationId, { codes: [...GRANT_CODES], now });
  return version;
}
