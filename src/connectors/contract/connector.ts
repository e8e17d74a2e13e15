// What a platform is to Tidemark: credentials, settings, limits, how to authorise, and its streams.

import type { z } from 'zod';
import type { PlatformId } from '../../core/platforms.ts';
import type { BucketRule } from '../../limits/governor.ts';
import type { Inbox } from './events.ts';
import type { OAuthConnect, RefreshContext } from './oauth.ts';
import type { Polling } from './polling.ts';
import type { Push } from './push.ts';
import type { Sending } from './sending.ts';
import type { ReadContext, Stream } from './stream.ts';
import type { Webhook } from './webhook.ts';

export type { OAuthApp, RefreshContext } from './oauth.ts';

export type Auth<Credential, Settings = unknown> =
  | {
      readonly kind: 'static';
      /** When a credential that says so itself ends. Absent: none does. Throws `credential.invalid`. */
      expiresAt?(credential: Credential): Date;
    }
  | {
      readonly kind: 'oauth2';
      /** Expiry of the access token. */
      expiresAt(credential: Credential): Date;
      /** Refresh when less than this is left, in milliseconds. */
      readonly refreshAheadMs: number;
      /** How long a grant lives after its last refresh when nobody uses it, in milliseconds. */
      readonly grantIdleMs: number;
      /**
       * Spends the refresh token: sent exactly once, never repeated by the http client. Throws `credential.grant_dead`
       * when the platform says that the grant is over, `http.*` / `platform.unavailable` when no answer came.
       */
      refresh(context: RefreshContext<Credential>): Promise<Credential>;
      /** How a person gives us the grant in a browser. */
      readonly connect: OAuthConnect<Credential, Settings>;
    };

/** Who the credential belongs to, as the platform says. */
export interface Account {
  readonly externalAccountId: string;
  readonly displayName: string;
  /** When the credential ends, as the platform says; absent: it does not say. */
  readonly credentialExpiresAt?: Date;
}

/** How long a platform's terms let its data be cached, and who says so. */
export interface CacheTerms {
  readonly cachedHours: number;
  /** Document and the day on which it was read. */
  readonly source: string;
}

export interface Connector<Credential, Settings> {
  readonly platform: PlatformId;
  readonly displayName: string;
  readonly allowedHosts: readonly string[];
  /** Shape of the credentials JSON; unknown members are refused. */
  readonly credential: z.ZodType<Credential>;
  /** Shape of the settings JSON; `{}` must be accepted. */
  readonly settings: z.ZodType<Settings>;
  readonly auth: Auth<Credential, Settings>;
  readonly limits: readonly BucketRule[];
  /** The account that a credential opens, where it says so itself; known before anybody has asked. Throws `credential.invalid`. */
  accountOf?(credential: Credential): string;
  /** What the platform sends of its own accord; absent: nothing that we listen to. */
  readonly push?: Push;
  /** How events that the platform tells of its own accord are read; present with `webhook` or `polling`. */
  readonly inbox?: Inbox;
  readonly webhook?: Webhook;
  readonly polling?: Polling<Credential, Settings>;
  /** Absent: nothing can be sent there. */
  readonly sending?: Sending<Credential, Settings>;
  /** Absent: the platform sets no limit that we know of. */
  readonly terms?: CacheTerms;
  // The cursor of a stream is its own affair; `any` variance is avoided by reading it through the stream's schema.
  readonly streams: readonly AnyStream<Credential, Settings>[];
  /** One cheap call that proves the credential. Throws the error kind that fits. */
  test(context: ReadContext<Credential, Settings>): Promise<Account>;
}

/** A stream whose cursor type is known only to itself. */
export type AnyStream<Credential, Settings> = Stream<Credential, Settings>;

/** A connector whose types are known only to itself; everything that goes in was read through its own schemas. */
export type AnyConnector = Connector<unknown, unknown>;

/** Declares a connector with its types inferred, and hides them from the engine. */
export function defineConnector<Credential, Settings>(connector: Connector<Credential, Settings>): AnyConnector {
  return connector;
}

/** Declares a stream with its types inferred, and hides kind and cursor from the engine. */
export function defineStream<Credential, Settings, Kind extends Stream<Credential, Settings>['kind'], Cursor>(
  stream: Stream<Credential, Settings, Kind, Cursor>,
): AnyStream<Credential, Settings> {
  return stream;
}
