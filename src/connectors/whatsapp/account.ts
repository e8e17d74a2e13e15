// The business account that a stream reads: a setting, because a token does not say it and a webhook says it too late.

import { AppError } from '../../core/errors.ts';
import { keyIn } from '../toolkit/parse-record.ts';
import type { GraphApi } from './api.ts';
import { edgePages } from './lists.ts';
import type { WhatsAppSettings } from './settings.ts';

/** Throws `platform.scope_missing`: only the streams that need it wait for a person, messages go on. */
export function wabaIdOf({ waba_id: wabaId }: WhatsAppSettings, stream: string): string {
  if (wabaId !== undefined) return wabaId;
  const message = `the stream ${stream} reads the WhatsApp Business Account: name it in the setting "waba_id" of the integration`;
  throw new AppError('platform.scope_missing', message, { details: { setting: 'waba_id' } });
}

/**
 * Proves that the number belongs to the account and that the token may see it: what the platform tells of an account goes to whoever
 * names it. Throws `input.invalid`, and `platform.*` where the token may not look.
 */
export async function proveAccount(api: GraphApi, wabaId: string, phoneNumberId: string): Promise<void> {
  for await (const { rows } of edgePages(api, `/${wabaId}/phone_numbers`, { fields: 'id' })) {
    if (rows.some((row) => keyIn(row, 'id') === phoneNumberId)) return;
  }
  const message = `waba_id: expected the account of the number ${phoneNumberId}, got one that does not have it`;
  throw new AppError('input.invalid', message, { details: { path: 'waba_id' } });
}
