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
  /** For a program: the body of `POST /v1/oauth/exchanges`; null where a person must make the credentials himself. */
  readonly request: { readonly userId: string; readonly platform: string; readonly integrationId: string } | null;
}

export interface GrantState {
  /** When grant or credentials end if nothing renews them; null: nobody knows, or there are none. */
  readonly grantExpiresAt: Date | null;
  /** Null: nothing need be done. */
  readonly reconnect: Reconnect | null;
}

function reasonOf({ status, statusCode }: Integration, grant: Grant | null, isOver: boolean): string | null {
  if (status === 'error' && statusCode !== null && GRANT_CODES.has(statusCode)) return statusCode;
  if (isOver) return 'grant.expired';
  return grant?.noticeDays == null ? null : 'grant.expiring';
}

function endOf(auth: AnyConnector['auth'], grant: Grant | null): Date | null {
  if (grant === null || auth.kind !== 'oauth2') return grant?.expiresAt ?? null;
  return new Date(grant.rotatedAt.getTime() + auth.grantIdleMs);
}

export function grantStateOf(
  integration: Integration,
  grant: Grant | null,
  { auth, platform }: Pick<AnyConnector, 'auth' | 'platform'>,
  now: Date,
): GrantState {
  const grantExpiresAt = endOf(auth, grant);
  const because = reasonOf(integration, grant, grantExpiresAt !== null && grantExpiresAt <= now);
  if (because === null) return { grantExpiresAt, reconnect: null };
  const { id: integrationId, userId } = integration;
  if (auth.kind !== 'oauth2') {
    const command = `tidemark integrations credentials ${integrationId} --credentials-file <json>`;
    return { grantExpiresAt, reconnect: { because, command, request: null } };
  }
  const command = `tidemark integrations connect --user ${userId} --platform ${platform} --integration ${integrationId}`;
  return { grantExpiresAt, reconnect: { because, command, request: { userId, platform, integrationId } } };
}
