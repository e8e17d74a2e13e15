// The business account that a stream reads: a setting, because a token does not say it and a webhook says it too late.

import { AppError } from '../../core/errors.ts';
import type { WhatsAppSettings } from './settings.ts';

/** Throws `platform.scope_missing`: only the streams that need it wait for a person, messages go on. */
export function wabaIdOf({ waba_id: wabaId }: WhatsAppSettings, stream: string): string {
  if (wabaId !== undefined) return wabaId;
  const message = `the stream ${stream} reads the WhatsApp Business Account: name it in the setting "waba_id" of the integration`;
  throw new AppError('platform.scope_missing', message, { details: { setting: 'waba_id' } });
}
