// `POST /{number}/smb_app_data`: asks once for the contacts and once for the history of a number that lives in the owner's
// WhatsApp Business app too, within a day of the onboarding.

import { GraphFailure, invalidParameter } from './failure.ts';
import { bodyOf, type GraphCall, type NodeOf } from './graph.ts';

const DAY_MS = 86_400_000;
const KINDS: ReadonlySet<unknown> = new Set(['smb_app_state_sync', 'history']);

/** What is asked for comes by webhook, when a test tells it. */
export function requestSync({ node: { number }, request, parts }: GraphCall<NodeOf<'number'>>): object {
  const { sync_type: kind } = bodyOf(request);
  if (!KINDS.has(kind)) throw invalidParameter('Param sync_type must be one of {smb_app_state_sync, history}');
  const { onboardedAt, synced } = number;
  if (onboardedAt === null) throw invalidParameter('The number is not used with the WhatsApp Business app');
  if (parts.now().getTime() - onboardedAt.getTime() > DAY_MS)
    throw invalidParameter('Data can be synchronized within 24 hours of the onboarding only');
  if (synced.has(String(kind))) throw new GraphFailure(100, { message: `${String(kind)} was requested already` });
  synced.add(String(kind));
  return { messaging_product: 'whatsapp', request_id: parts.ids.trace() };
}
