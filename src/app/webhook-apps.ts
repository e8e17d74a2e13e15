// Our apps at platforms that sign their webhooks, stored from a command line. Their secrets are sealed to a key pair of the
// webhooks' own, which the api reads and no worker does: a worker cannot forge an event, and the api opens no credential.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Database } from '../db/database.ts';
import { putWebhookApp } from '../store/webhook-apps.ts';
import { publicRing } from '../vault/key-ring.ts';
import { createOpener, type Opener } from '../vault/opener.ts';
import { createSealer } from '../vault/sealer.ts';
import { ensureSecretKeys, readSecretKeys } from '../vault/secret-keys-file.ts';
import { sha256 } from '../webhooks/verify.ts';
import { webhookAppContext } from '../webhooks/webhook-secrets.ts';
import { ensureSecretsFolder } from './secrets-folder.ts';

const appSchema = z.strictObject({
  app_id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  app_secret: z.string().min(8).max(500),
  verify_token: z.string().min(8).max(500),
});

export interface NewWebhookApp {
  /** Pool of the api role. */
  readonly api: Database;
  readonly config: Config;
  readonly connector: AnyConnector;
  /** JSON: `app_id, app_secret, verify_token`. */
  readonly file: string;
}

async function readApp(file: string): Promise<z.output<typeof appSchema>> {
  try {
    return appSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Neither the parser nor the schema is quoted: both would quote the secret.
    throw new AppError(
      'credential.invalid',
      `expected {"app_id": …, "app_secret": …, "verify_token": …} in ${file}, secret and token of 8 characters or more`,
    );
  }
}

/** Opens what is sealed to the webhooks' keys. Throws `vault.key_missing`, `vault.key_file_unreadable`. */
export async function webhookOpenerOf({ keys }: Config): Promise<Opener> {
  return createOpener(await readSecretKeys(keys.webhookKeysFile));
}

/** Stores an app; makes the webhooks' key file when it is not there yet. Answers the app's id. */
export async function storeWebhookApp({ api, config, connector, file }: NewWebhookApp): Promise<string> {
  const { platform, webhook, displayName } = connector;
  if (webhook?.proof.kind !== 'hmac_sha256')
    throw new AppError('usage.invalid', `${displayName} does not sign its webhooks with an app's secret`);
  const { app_id: appId, app_secret: appSecret, verify_token: verifyToken } = await readApp(file);
  await ensureSecretsFolder(config.dataDir);
  const ring = await ensureSecretKeys(config.keys.webhookKeysFile, new Date());
  const sealer = createSealer(publicRing([...ring.values()].map(({ publicKey }) => publicKey)));
  const sealed = sealer.seal(new Secret(appSecret), webhookAppContext(platform, appId));
  await api.tx({ kind: 'ops' }, (tx) =>
    putWebhookApp(tx, { platform, appId, ...sealed, verifyTokenHash: sha256(verifyToken) }),
  );
  return appId;
}
