// tidemark integrations oauth-app and webhook-app: our own apps at platforms, whose secrets are sealed as they come in.

import { connectorOf } from '../../app/connectors.ts';
import { putApp } from '../../app/connect.ts';
import { storeWebhookApp } from '../../app/webhook-apps.ts';
import { webhookUrl } from '../../webhooks/webhook-url.ts';
import type { CommandContext } from '../command.ts';

interface AppOptions {
  readonly platform: string;
  readonly credentialsFile: string;
}

export async function oauthApp({ output, config, session }: CommandContext, options: AppOptions): Promise<void> {
  const connector = connectorOf(options.platform);
  const { api } = await session();
  await putApp({ api, config, connector, file: options.credentialsFile });
  output.result({ platform: connector.platform }, () => output.line(`app of ${connector.displayName} stored`));
}

export async function webhookApp({ output, config, session }: CommandContext, options: AppOptions): Promise<void> {
  const connector = connectorOf(options.platform);
  const { api } = await session();
  const appId = await storeWebhookApp({ api, config, connector, file: options.credentialsFile });
  const { publicUrl } = config.http;
  const callbackUrl = publicUrl === undefined ? null : webhookUrl(publicUrl, connector.platform, appId);
  output.result({ platform: connector.platform, appId, callbackUrl }, () => {
    output.line(`app ${appId} of ${connector.displayName} stored`);
    output.note(
      callbackUrl === null
        ? 'set TIDEMARK_PUBLIC_URL to learn the callback URL'
        : `callback URL for the platform: ${callbackUrl}`,
    );
  });
}
