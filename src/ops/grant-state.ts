// What people are told of the grant behind an integration: until when it lives when nobody uses it, and how to reconnect when it
// is over or nearly so. Pure.

import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Grant } from '../store/grants.ts';
import type { Integration } from '../store/integrations.ts';

/** Errors of a platform that a new consent may cure. */
export const GRANT_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'credential.grant_dead',
  'credential.rotation_in_doubt',
  'credential.invalid',
  'credential.missing',
  'platform.unauthorized',
  'platform.forbidden',
  'platform.scope_missing',
]);

export interface Reconnect {
  /** Code of the error, or `grant.expiring`, `grant.expired`. */
  readonly because: string;
  /** For an operator. */
  readonly command: string;
  /** For a program: the body of `POST /v1/oauth/exchanges`. */
  readonly request: { readonly userId: string; readonly platform: string; readonly integrationId: string };
}

export interface GrantState {
  /** When the grant ends if nothing renews it; null: not a grant, or no credential. */
  readonly grantExpiresAt: Date | null;
  /** Null: nothing need be done. */
  readonly reconnect: Reconnect | null;
}

function reasonOf({ status, statusCode }: Integration, grant: Grant | null, isOver: boolean): string | null {
  if (status === 'error' && statusCode !== null && GRANT_CODES.has(statusCode)) return statusCode;
  if (isOver) return 'grant.expired';
  return grant?.noticeDays == null ? null : 'grant.expiring';
}

export function grantStateOf(
  integration: Integration,
  grant: Grant | null,
  { auth, platform }: Pick<AnyConnector, 'auth' | 'platform'>,
  now: Date,
): GrantState {
  if (auth.kind !== 'oauth2') return { grantExpiresAt: null, reconnect: null };
  const grantExpiresAt = grant === null ? null : new Date(grant.rotatedAt.getTime() + auth.grantIdleMs);
  const because = reasonOf(integration, grant, grantExpiresAt !== null && grantExpiresAt <= now);
  if (because === null) return { grantExpiresAt, reconnect: null };
  const { id: integrationId, userId } = integration;
  const command = `tidemark integrations connect --user ${userId} --platform ${platform} --integration ${integrationId}`;
  return { grantExpiresAt, reconnect: { because, command, request: { userId, platform, integrationId } } };
}
