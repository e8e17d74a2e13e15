// The addresses of our webhooks, as `src/api/webhook-door.ts` answers them.

/** Where a platform calls us for an account. */
export function webhookUrl(publicUrl: string, platform: string, receiver: string): string {
  return `${publicUrl.replace(/\/+$/, '')}/webhooks/${platform}/${encodeURIComponent(receiver)}`;
}
