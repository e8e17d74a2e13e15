// Written by `npm run render:client` out of the API's contract: change it there.

import type { CallOptions } from './http.ts';

export interface QueueHistoryPoint {
  /** Instant, ISO 8601 in UTC */
  readonly start: string;
  readonly completed: number;
  /** Jobs that ended dead */
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts that failed and came again */
  readonly retried: number;
  /** Age of the oldest waiting job at its worst */
  readonly oldestReadyMs: number;
}

export interface QueueLatencyPoint {
  /** Instant, ISO 8601 in UTC */
  readonly start: string;
  /** Attempts behind this point */
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface User {
  /** UUID */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** IANA zone whose days count */
  readonly timezone: string;
  /** ISO 4217 */
  readonly reportingCurrency: string;
  /** False: none of the accounts is synced */
  readonly isActive: boolean;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
}

export interface Integration {
  /** UUID */
  readonly id: string;
  /** UUID */
  readonly userId: string;
  readonly platform: string;
  readonly externalAccountId: string | null;
  readonly displayName: string | null;
  readonly settings: unknown;
  readonly status: 'pending' | 'connected' | 'error' | 'disconnected';
  readonly statusCode: string | null;
  readonly statusMessage: string | null;
  readonly pausedAt: string | null;
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly lastSyncAt: string | null;
  readonly nextSyncAt: string | null;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
}

export interface Stream {
  readonly stream: string;
  readonly enabled: boolean;
  readonly status: 'active' | 'parked' | 'gone';
  readonly statusCode: string | null;
  readonly statusMessage: string | null;
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly nextSyncAt: string | null;
  readonly lastFullAt: string | null;
  readonly lastSuccessAt: string | null;
}

export interface ErrorReport {
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

export interface OAuthExchange {
  /** UUID */
  readonly id: string;
  /** UUID */
  readonly userId: string;
  readonly platform: string;
  /** The integration whose grant is renewed, or the new one once it is there */
  readonly integrationId: string | null;
  /** `choosing`: waits for an organisation to be chosen */
  readonly status: 'pending' | 'received' | 'exchanging' | 'choosing' | 'done' | 'failed' | 'expired';
  readonly account: { readonly externalAccountId: string; readonly displayName: string } | null;
  readonly organizations: readonly ({ readonly id: string; readonly title: string; readonly type: string | null })[];
  /** Streams that the grant does not open, with what was refused; null: not known */
  readonly missingScopes: readonly ({ readonly stream: string; readonly fields: readonly (string)[] })[] | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Instant, ISO 8601 in UTC */
  readonly expiresAt: string;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
}

export interface Run {
  /** UUID */
  readonly id: string;
  /** UUID */
  readonly userId: string;
  /** UUID */
  readonly integrationId: string;
  readonly stream: string;
  readonly syncType: 'full' | 'incremental' | 'backfill';
  readonly trigger: string;
  readonly workClass: string;
  /** Of a backfill; `to` null: when it begins */
  readonly window: { readonly from: string; readonly to: string | null } | null;
  readonly batchId: string | null;
  readonly status: 'pending' | 'queued' | 'running' | 'waiting' | 'success' | 'partial' | 'failed' | 'cancelled';
  readonly recordsRequested: number;
  readonly recordsSynced: number;
  readonly recordsChanged: number;
  readonly recordsFailed: number;
  readonly recordsDuplicate: number;
  readonly requests: number;
  readonly pages: number;
  readonly slices: number;
  /** 0 to 100; null: nobody can tell */
  readonly percent: number | null;
  readonly errors: readonly (ErrorReport)[];
  readonly errorMessage: string | null;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly durationSeconds: number | null;
}

export interface JobRequest {
  /** Such as `sync.run`; an unknown one is refused */
  readonly kind: string;
  /** As the kind wants it; ids only, never secrets */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Default: the usual queue of the kind */
  readonly queue?: string | undefined;
  /** While a job of the kind with this key is unfinished, a second one is not created */
  readonly uniqueKey?: string | undefined;
  /** Whose job it is; absent: the installation’s */
  readonly userId?: string | undefined;
  /** Default incremental */
  readonly workClass?: 'interactive' | 'incremental' | 'backfill' | undefined;
  /** Higher first; default 0 */
  readonly priority?: number | undefined;
  /** Not before */
  readonly runAt?: string | undefined;
}

export interface Enqueued {
  /** UUID */
  readonly jobId: string;
  /** False: the unfinished job with this unique key stands for it */
  readonly created: boolean;
}

export interface Job {
  /** UUID */
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly state: 'waiting' | 'delayed' | 'active' | 'completed' | 'failed' | 'cancelled' | 'dead';
  readonly payload: unknown;
  readonly userId: string | null;
  readonly workClass: 'interactive' | 'incremental' | 'backfill';
  readonly priority: number;
  readonly attempts: number;
  readonly takeovers: number;
  readonly maxAttempts: number;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
  /** Instant, ISO 8601 in UTC */
  readonly runAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly workerId: string | null;
  readonly progress: { readonly fraction: number; readonly note: string } | null;
  readonly result: unknown;
  readonly error: ErrorReport | null;
}

export interface Queue {
  readonly name: string;
  readonly pausedAt: string | null;
  readonly concurrency: number | null;
  readonly rate: { readonly max: number; readonly perMs: number } | null;
  readonly jobs: { readonly waiting: number; readonly delayed: number; readonly active: number; readonly completed: number; readonly failed: number; readonly cancelled: number; readonly dead: number };
}

export interface TextMessage {
  /** Key of the chat as in its conversation, or how the platform names a new one. */
  readonly chat: string;
  /** Platform id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  /** Rows of buttons under the message. */
  readonly keyboard?: readonly (readonly ({ readonly text: string; readonly url?: string; readonly data?: string })[])[] | undefined;
  readonly type: 'text';
  readonly text: string;
  /** How the text is marked up; absent: not at all. */
  readonly format?: 'html' | 'markdown' | undefined;
  /** Whether links are shown as cards. */
  readonly preview?: boolean | undefined;
}

export interface MediaMessage {
  /** Key of the chat as in its conversation, or how the platform names a new one. */
  readonly chat: string;
  /** Platform id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  /** Rows of buttons under the message. */
  readonly keyboard?: readonly (readonly ({ readonly text: string; readonly url?: string; readonly data?: string })[])[] | undefined;
  readonly type: 'media';
  readonly media: 'photo' | 'video' | 'audio' | 'document' | 'sticker' | 'animation' | 'voice';
  /** Where the platform fetches the file. */
  readonly link: string;
  readonly caption?: string | undefined;
  readonly fileName?: string | undefined;
}

export interface TemplateMessage {
  /** Key of the chat as in its conversation, or how the platform names a new one. */
  readonly chat: string;
  /** Platform id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  /** Rows of buttons under the message. */
  readonly keyboard?: readonly (readonly ({ readonly text: string; readonly url?: string; readonly data?: string })[])[] | undefined;
  readonly type: 'template';
  /** Name of an approved template. */
  readonly template: string;
  /** Language code of the template, `en_US`. */
  readonly language: string;
  /** As the platform takes them. */
  readonly components?: readonly (Readonly<Record<string, unknown>>)[] | undefined;
}

export interface OutboundMessage {
  /** UUID */
  readonly id: string;
  /** UUID */
  readonly integrationId: string;
  readonly chat: string;
  /** `unknown`: the answer was lost, so it may have been sent or not, and is not sent again */
  readonly status: 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled';
  readonly attempts: number;
  readonly platformMessageId: string | null;
  readonly error: ErrorReport | null;
  /** Instant, ISO 8601 in UTC */
  readonly createdAt: string;
  readonly settledAt: string | null;
  readonly deliveredAt: string | null;
  readonly readAt: string | null;
}

export interface InboxEvent {
  /** UUID */
  readonly id: string;
  /** The platform’s word for what happened */
  readonly kind: string;
  /** Events of one lane are processed in their order */
  readonly lane: string;
  /** `dead`: could not be read, and waits for a replay */
  readonly state: 'waiting' | 'done' | 'dead';
  readonly error: ErrorReport | null;
  /** Instant, ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly processedAt: string | null;
}

export interface UserMetricPoint {
  /** First day of the whole day, week or month */
  readonly start: string;
  /** First day that counts here */
  readonly from: string;
  /** Last day that counts here */
  readonly to: string;
  /** Days that were computed; the others have no facts */
  readonly days: number;
  /** By metric: counts as numbers, everything else as decimal text */
  readonly values: Readonly<Record<string, number | string | null>>;
  /** Amounts in currencies that are not the reporting one, by metric */
  readonly otherCurrencies: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface PlatformMetricSeries {
  /** Id of what it is split by; null: of everything */
  readonly of: string | null;
  readonly label: string | null;
  readonly items: readonly (PlatformMetricPoint)[];
  readonly total: PlatformMetricPoint;
  readonly previous: readonly (PlatformMetricPoint)[] | null;
  readonly previousTotal: PlatformMetricPoint | null;
  /** Of the sum, against the series before; null: nothing to compare with */
  readonly changePercent: number | null;
}

export interface PlatformMetricPoint {
  /** An instant by minute and hour, else the first day of the whole step */
  readonly start: string;
  readonly from: string;
  readonly to: string;
  /** How many were measured */
  readonly count: number;
  /** Of durations in seconds; of everything else as many as were counted */
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Of durations only */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface AuditLog {
  /** UUID */
  readonly id: string;
  /** Instant, ISO 8601 in UTC */
  readonly at: string;
  readonly tokenId: string | null;
  /** Name of the token, or of the person at a command line */
  readonly tokenName: string | null;
  /** Database role that wrote the row */
  readonly login: string;
  /** `createUser`: what was asked for; `users.insert`: a row that changed */
  readonly action: string;
  /** Operation, command or job that changed the row */
  readonly reason: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly outcome: 'done' | 'refused' | 'failed';
}

export interface SecurityLog {
  /** UUID */
  readonly id: string;
  /** Instant, ISO 8601 in UTC */
  readonly at: string;
  readonly event: string;
  readonly severity: 'info' | 'warning' | 'alarm';
  readonly tokenId: string | null;
  readonly tokenName: string | null;
  readonly address: string | null;
  readonly login: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface CredentialOpening {
  /** Position in the chain of this integration */
  readonly seq: number;
  /** Instant, ISO 8601 in UTC */
  readonly at: string;
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly workerId: string | null;
  readonly reason: 'sync' | 'test' | 'refresh' | 'oauth_app' | 'rotation' | 'exchange' | 'receive' | 'send';
  readonly keyId: string;
  readonly version: number;
}

export interface QueueHistoryRequest {
  readonly queue: string;
  /** Default: a day before `to` */
  readonly from?: string | undefined;
  /** Default: now */
  readonly to?: string | undefined;
  /** Length of a period; periods begin in UTC */
  readonly granularity?: 'minute' | 'hour' | 'day' | undefined;
}

export type QueueHistoryAnswer = { readonly queue: string; readonly granularity: 'minute' | 'hour' | 'day'; readonly items: readonly (QueueHistoryPoint)[] };

export interface QueueLatencyRequest {
  readonly queue: string;
  /** From due to start, or from start to end */
  readonly metric?: 'wait' | 'run' | undefined;
  /** Default: a day before `to` */
  readonly from?: string | undefined;
  /** Default: now */
  readonly to?: string | undefined;
  /** Length of a period; periods begin in UTC */
  readonly granularity?: 'minute' | 'hour' | 'day' | undefined;
}

export type QueueLatencyAnswer = { readonly queue: string; readonly granularity: 'minute' | 'hour' | 'day'; readonly items: readonly (QueueLatencyPoint)[] };

export interface ListUsersRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

export type ListUsersAnswer = { readonly items: readonly (User)[]; readonly nextCursor: string | null };

export interface CreateUserRequest {
  readonly email: string;
  readonly name: string;
  readonly timezone?: string | undefined;
  readonly reportingCurrency?: string | undefined;
}

export type CreateUserAnswer = User;

export interface GetUserRequest {
  /** UUID */
  readonly userId: string;
}

export type GetUserAnswer = User;

export interface UpdateUserRequest {
  /** UUID */
  readonly userId: string;
  readonly name?: string | undefined;
  readonly timezone?: string | undefined;
  readonly reportingCurrency?: string | undefined;
  readonly isActive?: boolean | undefined;
}

export type UpdateUserAnswer = User;

export interface RemoveUserRequest {
  /** UUID */
  readonly userId: string;
}

export interface ListIntegrationsRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  /** UUID */
  readonly userId?: string | undefined;
  /** Such as `upwork` */
  readonly platform?: string | undefined;
  readonly status?: 'pending' | 'connected' | 'error' | 'disconnected' | undefined;
}

export type ListIntegrationsAnswer = { readonly items: readonly (Integration)[]; readonly nextCursor: string | null };

export interface CreateIntegrationRequest {
  /** UUID */
  readonly userId: string;
  /** Such as `upwork` */
  readonly platform: string;
  /** As the platform’s README says; sealed at once, and shown to nobody */
  readonly credentials: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Either an interval, or a cron expression with its IANA zone; neither: the default */
  readonly schedule?: { readonly intervalMinutes?: number | null; readonly cron?: string | null; readonly timezone?: string | null } | undefined;
  /** Default: as the platform says */
  readonly displayName?: string | undefined;
}

export type CreateIntegrationAnswer = Integration;

export interface GetIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
}

export type GetIntegrationAnswer = { readonly id: string; readonly userId: string; readonly platform: string; readonly externalAccountId: string | null; readonly displayName: string | null; readonly settings: unknown; readonly status: 'pending' | 'connected' | 'error' | 'disconnected'; readonly statusCode: string | null; readonly statusMessage: string | null; readonly pausedAt: string | null; readonly intervalMinutes: number | null; readonly cron: string | null; readonly timezone: string | null; readonly lastSyncAt: string | null; readonly nextSyncAt: string | null; readonly createdAt: string; readonly streams: readonly (Stream)[]; readonly grantExpiresAt: string | null; readonly reconnect: { readonly because: string; readonly command: string; readonly request: { readonly userId: string; readonly platform: string; readonly integrationId: string } | null } | null };

export interface RemoveIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
}

export interface SetIntegrationScheduleRequest {
  /** UUID */
  readonly integrationId: string;
  readonly intervalMinutes?: number | null | undefined;
  readonly cron?: string | null | undefined;
  readonly timezone?: string | null | undefined;
}

export type SetIntegrationScheduleAnswer = Integration;

export interface PauseIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
}

export type PauseIntegrationAnswer = { readonly changed: boolean };

export interface ResumeIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
}

export type ResumeIntegrationAnswer = { readonly changed: boolean };

export interface ReplaceCredentialsRequest {
  /** UUID */
  readonly integrationId: string;
  /** As the platform’s README says; sealed at once, and shown to nobody */
  readonly credentials: Readonly<Record<string, unknown>>;
}

export type ReplaceCredentialsAnswer = { readonly version: number };

export interface TestIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
}

export type TestIntegrationAnswer = { readonly jobId: string; readonly outcome: 'ok' | 'refused' | 'unfinished'; readonly account: { readonly externalAccountId: string; readonly displayName: string } | null; readonly error: ErrorReport | null };

export interface SyncIntegrationRequest {
  /** UUID */
  readonly integrationId: string;
  /** Default: every active stream */
  readonly stream?: string | undefined;
  /** Everything, not only what changed */
  readonly full?: boolean | undefined;
}

export type SyncIntegrationAnswer = { readonly batchId: string; readonly runs: readonly ({ readonly stream: string; readonly runId: string; readonly coalesced: boolean })[] };

export interface ListStreamsRequest {
  /** UUID */
  readonly integrationId: string;
}

export type ListStreamsAnswer = { readonly items: readonly (Stream)[] };

export interface SetStreamRequest {
  /** UUID */
  readonly integrationId: string;
  readonly stream: string;
  /** Either an interval, or a cron expression with its IANA zone; neither: the default */
  readonly schedule?: { readonly intervalMinutes?: number | null; readonly cron?: string | null; readonly timezone?: string | null } | undefined;
  readonly enabled?: boolean | undefined;
  /** Try again after a person acted */
  readonly unpark?: true | undefined;
}

export type SetStreamAnswer = Stream;

export interface ResetStreamRequest {
  /** UUID */
  readonly integrationId: string;
  readonly stream: string;
}

export type ResetStreamAnswer = Stream;

export interface BackfillStreamRequest {
  /** UUID */
  readonly integrationId: string;
  readonly stream: string;
  /** Instant, ISO 8601; inclusive */
  readonly from: string;
  /** Instant, ISO 8601; exclusive. Default: when the run begins */
  readonly to?: string | undefined;
}

export type BackfillStreamAnswer = { readonly batchId: string; readonly stream: string; readonly runId: string; readonly coalesced: boolean };

export interface CreateOAuthExchangeRequest {
  /** UUID */
  readonly userId: string;
  /** Such as `upwork` */
  readonly platform: string;
  /** Of a new account; of an integration its own count */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Renew the grant of this integration; default: a new account */
  readonly integrationId?: string | undefined;
}

export type CreateOAuthExchangeAnswer = { readonly exchangeId: string; readonly authorizeUrl: string; readonly expiresAt: string };

export interface GetOAuthExchangeRequest {
  /** UUID */
  readonly exchangeId: string;
}

export type GetOAuthExchangeAnswer = OAuthExchange;

export interface ChooseOAuthOrganizationRequest {
  /** UUID */
  readonly exchangeId: string;
  readonly organizationId: string;
}

export type ChooseOAuthOrganizationAnswer = OAuthExchange;

export interface ListRunsRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  /** UUID */
  readonly userId?: string | undefined;
  /** UUID */
  readonly integrationId?: string | undefined;
  readonly stream?: string | undefined;
  /** UUID */
  readonly batchId?: string | undefined;
  readonly status?: 'pending' | 'queued' | 'running' | 'waiting' | 'success' | 'partial' | 'failed' | 'cancelled' | undefined;
}

export type ListRunsAnswer = { readonly items: readonly (Run)[]; readonly nextCursor: string | null };

export interface GetRunRequest {
  /** UUID */
  readonly runId: string;
}

export type GetRunAnswer = Run;

export interface CancelRunRequest {
  /** UUID */
  readonly runId: string;
}

export type CancelRunAnswer = { readonly changed: boolean };

export interface RunEventsRequest {
  /** UUID */
  readonly runId: string;
}

export type RunEventsAnswer = Run;

export interface EnqueueJobRequest {
  /** Such as `sync.run`; an unknown one is refused */
  readonly kind: string;
  /** As the kind wants it; ids only, never secrets */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Default: the usual queue of the kind */
  readonly queue?: string | undefined;
  /** While a job of the kind with this key is unfinished, a second one is not created */
  readonly uniqueKey?: string | undefined;
  /** Whose job it is; absent: the installation’s */
  readonly userId?: string | undefined;
  /** Default incremental */
  readonly workClass?: 'interactive' | 'incremental' | 'backfill' | undefined;
  /** Higher first; default 0 */
  readonly priority?: number | undefined;
  /** Not before */
  readonly runAt?: string | undefined;
}

export type EnqueueJobAnswer = Enqueued;

export interface EnqueueJobsRequest {
  readonly jobs: readonly (JobRequest)[];
}

export type EnqueueJobsAnswer = { readonly jobs: readonly (Enqueued)[] };

export interface ListJobsRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  readonly queue?: string | undefined;
  readonly state?: 'waiting' | 'delayed' | 'active' | 'completed' | 'failed' | 'cancelled' | 'dead' | undefined;
  readonly kind?: string | undefined;
  /** UUID */
  readonly userId?: string | undefined;
}

export type ListJobsAnswer = { readonly items: readonly (Job)[]; readonly nextCursor: string | null };

export interface GetJobRequest {
  /** UUID */
  readonly jobId: string;
}

export type GetJobAnswer = Job;

export interface GetJobLogsRequest {
  /** UUID */
  readonly jobId: string;
}

export type GetJobLogsAnswer = { readonly lines: readonly ({ readonly at: string; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly line: string })[] };

export interface CancelJobRequest {
  /** UUID */
  readonly jobId: string;
}

export type CancelJobAnswer = { readonly changed: boolean };

export interface RetryJobRequest {
  /** UUID */
  readonly jobId: string;
}

export type RetryJobAnswer = { readonly changed: boolean };

export type ListQueuesAnswer = { readonly items: readonly (Queue)[] };

export interface PauseQueueRequest {
  readonly queue: string;
}

export type PauseQueueAnswer = { readonly changed: boolean };

export interface ResumeQueueRequest {
  readonly queue: string;
}

export type ResumeQueueAnswer = { readonly changed: boolean };

export interface SendMessageRequest {
  /** UUID */
  readonly integrationId: string;
  readonly message: TextMessage | MediaMessage | TemplateMessage;
  /** Whether it may be sent again when the answer was lost: better twice than never */
  readonly allowRepeat?: boolean | undefined;
  /** A second message of the integration with this key is the first one */
  readonly uniqueKey?: string | undefined;
  readonly notBefore?: string | undefined;
}

export type SendMessageAnswer = { readonly messageId: string; readonly created: boolean };

export interface GetMessageRequest {
  /** UUID */
  readonly messageId: string;
}

export type GetMessageAnswer = OutboundMessage;

export interface CancelMessageRequest {
  /** UUID */
  readonly messageId: string;
}

export type CancelMessageAnswer = { readonly changed: boolean };

export interface ListInboxEventsRequest {
  /** UUID */
  readonly integrationId: string;
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  readonly state?: 'waiting' | 'done' | 'dead' | undefined;
}

export type ListInboxEventsAnswer = { readonly items: readonly (InboxEvent)[]; readonly nextCursor: string | null };

export interface ReplayInboxEventsRequest {
  /** UUID */
  readonly integrationId: string;
  readonly limit?: number | undefined;
}

export type ReplayInboxEventsAnswer = { readonly replayed: number };

export interface UserMetricsRequest {
  /** UUID */
  readonly userId: string;
  /** Weeks begin on Monday */
  readonly by?: 'day' | 'week' | 'month' | undefined;
  /** Names separated by commas; default: all */
  readonly metrics?: string | undefined;
  /** First day; default: 29 days before `to`, by hour and minute the same day */
  readonly from?: string | undefined;
  /** Last day, counted; default: today */
  readonly to?: string | undefined;
  /** Also the series right before: as many days, or whole months */
  readonly compare?: 'true' | 'false' | undefined;
}

export type UserMetricsAnswer = { readonly from: string; readonly to: string; readonly items: readonly (UserMetricPoint)[]; readonly total: UserMetricPoint; readonly userId: string; readonly timezone: string; readonly currency: string; readonly by: string; readonly previous: { readonly from: string; readonly to: string; readonly items: readonly (UserMetricPoint)[]; readonly total: UserMetricPoint } | null; readonly changePercent: Readonly<Record<string, number | null>> | null };

export interface UserMetricsCsvRequest {
  /** UUID */
  readonly userId: string;
  /** Weeks begin on Monday */
  readonly by?: 'day' | 'week' | 'month' | undefined;
  /** Names separated by commas; default: all */
  readonly metrics?: string | undefined;
  /** First day; default: 29 days before `to`, by hour and minute the same day */
  readonly from?: string | undefined;
  /** Last day, counted; default: today */
  readonly to?: string | undefined;
}

export type UserMetricsCsvAnswer = string;

export type ListUserMetricsAnswer = { readonly items: readonly ({ readonly name: string; readonly kind: string; readonly meaning: string })[] };

export interface PlatformMetricsRequest {
  readonly metric?: 'messages_sent' | 'messages_received' | 'api_calls' | 'errors' | 'response_time' | 'sync_duration' | undefined;
  /** Weeks begin on Monday */
  readonly by?: 'minute' | 'hour' | 'day' | 'week' | 'month' | undefined;
  /** IANA zone whose days count */
  readonly timezone?: string | undefined;
  /** UUID */
  readonly userId?: string | undefined;
  /** UUID */
  readonly integrationId?: string | undefined;
  readonly platform?: 'upwork' | 'wildberries' | 'ozon' | 'telegram' | 'whatsapp' | 'github' | undefined;
  /** A series of each; the 100 with the most */
  readonly split?: 'user' | 'integration' | 'platform' | undefined;
  /** First day; default: 29 days before `to`, by hour and minute the same day */
  readonly from?: string | undefined;
  /** Last day, counted; default: today */
  readonly to?: string | undefined;
  /** Also the series right before: as many days, or whole months */
  readonly compare?: 'true' | 'false' | undefined;
}

export type PlatformMetricsAnswer = { readonly metric: 'messages_sent' | 'messages_received' | 'api_calls' | 'errors' | 'response_time' | 'sync_duration'; readonly unit: 'count' | 'seconds'; readonly by: string; readonly timezone: string; readonly from: string; readonly to: string; readonly keptFrom: string | null; readonly daysOfUtcUntil: string | null; readonly previousFrom: string | null; readonly previousTo: string | null; readonly items: readonly (PlatformMetricSeries)[] };

export interface PlatformMetricsCsvRequest {
  readonly metric?: 'messages_sent' | 'messages_received' | 'api_calls' | 'errors' | 'response_time' | 'sync_duration' | undefined;
  /** Weeks begin on Monday */
  readonly by?: 'minute' | 'hour' | 'day' | 'week' | 'month' | undefined;
  /** IANA zone whose days count */
  readonly timezone?: string | undefined;
  /** UUID */
  readonly userId?: string | undefined;
  /** UUID */
  readonly integrationId?: string | undefined;
  readonly platform?: 'upwork' | 'wildberries' | 'ozon' | 'telegram' | 'whatsapp' | 'github' | undefined;
  /** A series of each; the 100 with the most */
  readonly split?: 'user' | 'integration' | 'platform' | undefined;
  /** First day; default: 29 days before `to`, by hour and minute the same day */
  readonly from?: string | undefined;
  /** Last day, counted; default: today */
  readonly to?: string | undefined;
}

export type PlatformMetricsCsvAnswer = string;

export interface PlatformHoursRequest {
  /** This hour and those before */
  readonly hours?: number | undefined;
}

export type PlatformHoursAnswer = { readonly items: readonly ({ readonly platform: string; readonly hour: string; readonly counts: Readonly<Record<string, number>> })[] };

export interface ListAuditLogsRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
}

export type ListAuditLogsAnswer = { readonly items: readonly (AuditLog)[]; readonly nextCursor: string | null };

export interface ListSecurityLogsRequest {
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
  readonly event?: string | undefined;
  readonly severity?: 'info' | 'warning' | 'alarm' | undefined;
}

export type ListSecurityLogsAnswer = { readonly items: readonly (SecurityLog)[]; readonly nextCursor: string | null };

export interface ListCredentialOpeningsRequest {
  /** UUID */
  readonly integrationId: string;
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

export type ListCredentialOpeningsAnswer = { readonly items: readonly (CredentialOpening)[]; readonly nextCursor: string | null };

export interface Methods {
  /** What ended in a queue, period by period, oldest first. Needs scope `read`. */
  queueHistory(request: QueueHistoryRequest, options?: CallOptions): Promise<QueueHistoryAnswer>;
  /** How long jobs of a queue waited or ran, period by period, oldest first; periods without any are left out. Needs scope `read`. */
  queueLatency(request: QueueLatencyRequest, options?: CallOptions): Promise<QueueLatencyAnswer>;
  /** Users, oldest first. Needs scope `read`. */
  listUsers(request?: ListUsersRequest, options?: CallOptions): Promise<ListUsersAnswer>;
  /** Add a user. Needs scope `admin`. */
  createUser(request: CreateUserRequest, options?: CallOptions): Promise<CreateUserAnswer>;
  /** One user. Needs scope `read`. */
  getUser(request: GetUserRequest, options?: CallOptions): Promise<GetUserAnswer>;
  /** Change a user; a new zone or currency has the metrics of all days computed again. Needs scope `admin`. */
  updateUser(request: UpdateUserRequest, options?: CallOptions): Promise<UpdateUserAnswer>;
  /** Remove a user with everything that was synced for him. Needs scope `admin`. */
  removeUser(request: RemoveUserRequest, options?: CallOptions): Promise<void>;
  /** Integrations, oldest first. Needs scope `read`. */
  listIntegrations(request?: ListIntegrationsRequest, options?: CallOptions): Promise<ListIntegrationsAnswer>;
  /** Connect an account; its first sync is due at once. Needs scope `admin`. */
  createIntegration(request: CreateIntegrationRequest, options?: CallOptions): Promise<CreateIntegrationAnswer>;
  /** One integration with its streams. Needs scope `read`. */
  getIntegration(request: GetIntegrationRequest, options?: CallOptions): Promise<GetIntegrationAnswer>;
  /** Remove an integration with everything that was synced for it. Needs scope `admin`. */
  removeIntegration(request: RemoveIntegrationRequest, options?: CallOptions): Promise<void>;
  /** When all its streams are synced. Needs scope `operate`. */
  setIntegrationSchedule(request: SetIntegrationScheduleRequest, options?: CallOptions): Promise<SetIntegrationScheduleAnswer>;
  /** Fetch nothing until it is resumed; a run in hand ends as usual. Needs scope `operate`. */
  pauseIntegration(request: PauseIntegrationRequest, options?: CallOptions): Promise<PauseIntegrationAnswer>;
  /** Go on, at once. Needs scope `operate`. */
  resumeIntegration(request: ResumeIntegrationRequest, options?: CallOptions): Promise<ResumeIntegrationAnswer>;
  /** Replace the credentials and connect the integration again. Needs scope `admin`. */
  replaceCredentials(request: ReplaceCredentialsRequest, options?: CallOptions): Promise<ReplaceCredentialsAnswer>;
  /** Ask the platform whether the credentials work; a worker does it, within ten seconds or later. Needs scope `operate`. */
  testIntegration(request: TestIntegrationRequest, options?: CallOptions): Promise<TestIntegrationAnswer>;
  /** Fetch now. Needs scope `enqueue`. */
  syncIntegration(request: SyncIntegrationRequest, options?: CallOptions): Promise<SyncIntegrationAnswer>;
  /** The streams of an integration. Needs scope `read`. */
  listStreams(request: ListStreamsRequest, options?: CallOptions): Promise<ListStreamsAnswer>;
  /** Change schedule or state of a stream. Needs scope `operate`. */
  setStream(request: SetStreamRequest, options?: CallOptions): Promise<SetStreamAnswer>;
  /** Forget the position: the next run reads everything. Needs scope `operate`. */
  resetStream(request: ResetStreamRequest, options?: CallOptions): Promise<ResetStreamAnswer>;
  /** Read a window of the past again; the position of the usual syncs stays where it is. Needs scope `operate`. */
  backfillStream(request: BackfillStreamRequest, options?: CallOptions): Promise<BackfillStreamAnswer>;
  /** Begin to connect an account by consent: the address to send its user to, good for ten minutes. Needs scope `admin`. */
  createOAuthExchange(request: CreateOAuthExchangeRequest, options?: CallOptions): Promise<CreateOAuthExchangeAnswer>;
  /** How far an exchange is, and what came of it. Needs scope `read`. */
  getOAuthExchange(request: GetOAuthExchangeRequest, options?: CallOptions): Promise<GetOAuthExchangeAnswer>;
  /** Choose the organisation that the new account acts for. Needs scope `admin`. */
  chooseOAuthOrganization(request: ChooseOAuthOrganizationRequest, options?: CallOptions): Promise<ChooseOAuthOrganizationAnswer>;
  /** Runs, newest first. Needs scope `read`. */
  listRuns(request?: ListRunsRequest, options?: CallOptions): Promise<ListRunsAnswer>;
  /** One run with its errors and its progress. Needs scope `read`. */
  getRun(request: GetRunRequest, options?: CallOptions): Promise<GetRunAnswer>;
  /** Cancel a run; one that is worked on stops at the next page. Needs scope `operate`. */
  cancelRun(request: CancelRunRequest, options?: CallOptions): Promise<CancelRunAnswer>;
  /** The run whenever it changes, until it has ended. Needs scope `read`. */
  runEvents(request: RunEventsRequest, options?: CallOptions): AsyncGenerator<RunEventsAnswer, void, undefined>;
  /** Enqueue a job. Needs scope `enqueue`. */
  enqueueJob(request: EnqueueJobRequest, options?: CallOptions): Promise<EnqueueJobAnswer>;
  /** Enqueue up to 1,000 jobs, all or none. Needs scope `enqueue`. */
  enqueueJobs(request: EnqueueJobsRequest, options?: CallOptions): Promise<EnqueueJobsAnswer>;
  /** Jobs, newest first. Needs scope `read`. */
  listJobs(request?: ListJobsRequest, options?: CallOptions): Promise<ListJobsAnswer>;
  /** One job. Needs scope `read`. */
  getJob(request: GetJobRequest, options?: CallOptions): Promise<GetJobAnswer>;
  /** What a job said, oldest first; kept for a week, at most 1,000 lines. Needs scope `read`. */
  getJobLogs(request: GetJobLogsRequest, options?: CallOptions): Promise<GetJobLogsAnswer>;
  /** Cancel a job and the run it stands for; one in hand is told to stop. Needs scope `operate`. */
  cancelJob(request: CancelJobRequest, options?: CallOptions): Promise<CancelJobAnswer>;
  /** Put a dead letter back; a dead sync begins a new run. Needs scope `operate`. */
  retryJob(request: RetryJobRequest, options?: CallOptions): Promise<RetryJobAnswer>;
  /** Every queue with its jobs by state and what an operator set for it. Needs scope `read`. */
  listQueues(request?: object, options?: CallOptions): Promise<ListQueuesAnswer>;
  /** Start nothing of a queue; what is in hand goes on. Needs scope `operate`. */
  pauseQueue(request: PauseQueueRequest, options?: CallOptions): Promise<PauseQueueAnswer>;
  /** Go on with a queue. Needs scope `operate`. */
  resumeQueue(request: ResumeQueueRequest, options?: CallOptions): Promise<ResumeQueueAnswer>;
  /** Queue a message; messages of one chat leave in the order in which they were queued. Needs scope `enqueue`. */
  sendMessage(request: SendMessageRequest, options?: CallOptions): Promise<SendMessageAnswer>;
  /** How far a message got. Needs scope `read`. */
  getMessage(request: GetMessageRequest, options?: CallOptions): Promise<GetMessageAnswer>;
  /** Take back a message that has not left. Needs scope `enqueue`. */
  cancelMessage(request: CancelMessageRequest, options?: CallOptions): Promise<CancelMessageAnswer>;
  /** Events that the platform delivered, newest first; kept for 8 days, dead ones for 90. Needs scope `read`. */
  listInboxEvents(request: ListInboxEventsRequest, options?: CallOptions): Promise<ListInboxEventsAnswer>;
  /** Process dead events again, oldest first. Needs scope `operate`. */
  replayInboxEvents(request: ReplayInboxEventsRequest, options?: CallOptions): Promise<ReplayInboxEventsAnswer>;
  /** Daily metrics of a user in his zone, by day, week or month, oldest first, gaps filled. Needs scope `read`. */
  userMetrics(request: UserMetricsRequest, options?: CallOptions): Promise<UserMetricsAnswer>;
  /** The same as CSV, a line for each step, each currency in a column of its own. Needs scope `read`. */
  userMetricsCsv(request: UserMetricsCsvRequest, options?: CallOptions): Promise<UserMetricsCsvAnswer>;
  /** What each daily metric counts. Needs scope `read`. */
  listUserMetrics(request?: object, options?: CallOptions): Promise<ListUserMetricsAnswer>;
  /** What platforms did for us, by minute to month, of everybody, a user, an integration or a platform, gaps filled. Needs scope `read`. */
  platformMetrics(request?: PlatformMetricsRequest, options?: CallOptions): Promise<PlatformMetricsAnswer>;
  /** The same as CSV, a line for each series and step. Needs scope `read`. */
  platformMetricsCsv(request?: PlatformMetricsCsvRequest, options?: CallOptions): Promise<PlatformMetricsCsvAnswer>;
  /** Counts of each platform hour by hour, newest first, up to the last minute that was handed over. Needs scope `read`. */
  platformHours(request?: PlatformHoursRequest, options?: CallOptions): Promise<PlatformHoursAnswer>;
  /** Actions and changes of the control plane, newest first. Needs scope `admin`. */
  listAuditLogs(request?: ListAuditLogsRequest, options?: CallOptions): Promise<ListAuditLogsAnswer>;
  /** Sign-ins, refused tokens, locked addresses, tokens and keys, credentials that did not open, newest first. Needs scope `admin`. */
  listSecurityLogs(request?: ListSecurityLogsRequest, options?: CallOptions): Promise<ListSecurityLogsAnswer>;
  /** Each use of the credentials of an integration, newest first; also of one that was removed. Needs scope `admin`. */
  listCredentialOpenings(request: ListCredentialOpeningsRequest, options?: CallOptions): Promise<ListCredentialOpeningsAnswer>;
}

export type PagedOperation = 'listUsers' | 'listIntegrations' | 'listRuns' | 'listJobs' | 'listInboxEvents' | 'listAuditLogs' | 'listSecurityLogs' | 'listCredentialOpenings';

export interface Requests {
  listUsers: ListUsersRequest;
  listIntegrations: ListIntegrationsRequest;
  listRuns: ListRunsRequest;
  listJobs: ListJobsRequest;
  listInboxEvents: ListInboxEventsRequest;
  listAuditLogs: ListAuditLogsRequest;
  listSecurityLogs: ListSecurityLogsRequest;
  listCredentialOpenings: ListCredentialOpeningsRequest;
}

export interface Answers {
  listUsers: ListUsersAnswer;
  listIntegrations: ListIntegrationsAnswer;
  listRuns: ListRunsAnswer;
  listJobs: ListJobsAnswer;
  listInboxEvents: ListInboxEventsAnswer;
  listAuditLogs: ListAuditLogsAnswer;
  listSecurityLogs: ListSecurityLogsAnswer;
  listCredentialOpenings: ListCredentialOpeningsAnswer;
}

export const OPERATIONS = {
  queueHistory: {"method":"GET","path":"/v1/queues/{queue}/history","query":["from","to","granularity"],"body":[],"form":"json","idempotent":false},
  queueLatency: {"method":"GET","path":"/v1/queues/{queue}/latency","query":["metric","from","to","granularity"],"body":[],"form":"json","idempotent":false},
  listUsers: {"method":"GET","path":"/v1/users","query":["limit","cursor"],"body":[],"form":"json","idempotent":false},
  createUser: {"method":"POST","path":"/v1/users","query":[],"body":["email","name","timezone","reportingCurrency"],"form":"json","idempotent":true},
  getUser: {"method":"GET","path":"/v1/users/{userId}","query":[],"body":[],"form":"json","idempotent":false},
  updateUser: {"method":"PATCH","path":"/v1/users/{userId}","query":[],"body":["name","timezone","reportingCurrency","isActive"],"form":"json","idempotent":false},
  removeUser: {"method":"DELETE","path":"/v1/users/{userId}","query":[],"body":[],"form":"json","idempotent":false},
  listIntegrations: {"method":"GET","path":"/v1/integrations","query":["limit","cursor","userId","platform","status"],"body":[],"form":"json","idempotent":false},
  createIntegration: {"method":"POST","path":"/v1/integrations","query":[],"body":["userId","platform","credentials","settings","schedule","displayName"],"form":"json","idempotent":true},
  getIntegration: {"method":"GET","path":"/v1/integrations/{integrationId}","query":[],"body":[],"form":"json","idempotent":false},
  removeIntegration: {"method":"DELETE","path":"/v1/integrations/{integrationId}","query":[],"body":[],"form":"json","idempotent":false},
  setIntegrationSchedule: {"method":"PUT","path":"/v1/integrations/{integrationId}/schedule","query":[],"body":["intervalMinutes","cron","timezone"],"form":"json","idempotent":false},
  pauseIntegration: {"method":"POST","path":"/v1/integrations/{integrationId}/pause","query":[],"body":[],"form":"json","idempotent":true},
  resumeIntegration: {"method":"POST","path":"/v1/integrations/{integrationId}/resume","query":[],"body":[],"form":"json","idempotent":true},
  replaceCredentials: {"method":"PUT","path":"/v1/integrations/{integrationId}/credentials","query":[],"body":["credentials"],"form":"json","idempotent":false},
  testIntegration: {"method":"POST","path":"/v1/integrations/{integrationId}/test","query":[],"body":[],"form":"json","idempotent":false},
  syncIntegration: {"method":"POST","path":"/v1/integrations/{integrationId}/sync","query":[],"body":["stream","full"],"form":"json","idempotent":true},
  listStreams: {"method":"GET","path":"/v1/integrations/{integrationId}/streams","query":[],"body":[],"form":"json","idempotent":false},
  setStream: {"method":"PATCH","path":"/v1/integrations/{integrationId}/streams/{stream}","query":[],"body":["schedule","enabled","unpark"],"form":"json","idempotent":false},
  resetStream: {"method":"POST","path":"/v1/integrations/{integrationId}/streams/{stream}/reset","query":[],"body":[],"form":"json","idempotent":true},
  backfillStream: {"method":"POST","path":"/v1/integrations/{integrationId}/streams/{stream}/backfill","query":[],"body":["from","to"],"form":"json","idempotent":true},
  createOAuthExchange: {"method":"POST","path":"/v1/oauth/exchanges","query":[],"body":["userId","platform","settings","integrationId"],"form":"json","idempotent":false},
  getOAuthExchange: {"method":"GET","path":"/v1/oauth/exchanges/{exchangeId}","query":[],"body":[],"form":"json","idempotent":false},
  chooseOAuthOrganization: {"method":"POST","path":"/v1/oauth/exchanges/{exchangeId}/organization","query":[],"body":["organizationId"],"form":"json","idempotent":true},
  listRuns: {"method":"GET","path":"/v1/runs","query":["limit","cursor","userId","integrationId","stream","batchId","status"],"body":[],"form":"json","idempotent":false},
  getRun: {"method":"GET","path":"/v1/runs/{runId}","query":[],"body":[],"form":"json","idempotent":false},
  cancelRun: {"method":"POST","path":"/v1/runs/{runId}/cancel","query":[],"body":[],"form":"json","idempotent":true},
  runEvents: {"method":"GET","path":"/v1/runs/{runId}/events","query":[],"body":[],"form":"events","idempotent":false},
  enqueueJob: {"method":"POST","path":"/v1/jobs","query":[],"body":["kind","payload","queue","uniqueKey","userId","workClass","priority","runAt"],"form":"json","idempotent":true},
  enqueueJobs: {"method":"POST","path":"/v1/jobs/bulk","query":[],"body":["jobs"],"form":"json","idempotent":true},
  listJobs: {"method":"GET","path":"/v1/jobs","query":["limit","cursor","queue","state","kind","userId"],"body":[],"form":"json","idempotent":false},
  getJob: {"method":"GET","path":"/v1/jobs/{jobId}","query":[],"body":[],"form":"json","idempotent":false},
  getJobLogs: {"method":"GET","path":"/v1/jobs/{jobId}/logs","query":[],"body":[],"form":"json","idempotent":false},
  cancelJob: {"method":"POST","path":"/v1/jobs/{jobId}/cancel","query":[],"body":[],"form":"json","idempotent":true},
  retryJob: {"method":"POST","path":"/v1/jobs/{jobId}/retry","query":[],"body":[],"form":"json","idempotent":true},
  listQueues: {"method":"GET","path":"/v1/queues","query":[],"body":[],"form":"json","idempotent":false},
  pauseQueue: {"method":"POST","path":"/v1/queues/{queue}/pause","query":[],"body":[],"form":"json","idempotent":true},
  resumeQueue: {"method":"POST","path":"/v1/queues/{queue}/resume","query":[],"body":[],"form":"json","idempotent":true},
  sendMessage: {"method":"POST","path":"/v1/messages","query":[],"body":["integrationId","message","allowRepeat","uniqueKey","notBefore"],"form":"json","idempotent":true},
  getMessage: {"method":"GET","path":"/v1/messages/{messageId}","query":[],"body":[],"form":"json","idempotent":false},
  cancelMessage: {"method":"POST","path":"/v1/messages/{messageId}/cancel","query":[],"body":[],"form":"json","idempotent":true},
  listInboxEvents: {"method":"GET","path":"/v1/integrations/{integrationId}/events","query":["limit","cursor","state"],"body":[],"form":"json","idempotent":false},
  replayInboxEvents: {"method":"POST","path":"/v1/integrations/{integrationId}/events/replay","query":[],"body":["limit"],"form":"json","idempotent":true},
  userMetrics: {"method":"GET","path":"/v1/users/{userId}/metrics","query":["by","metrics","from","to","compare"],"body":[],"form":"json","idempotent":false},
  userMetricsCsv: {"method":"GET","path":"/v1/users/{userId}/metrics.csv","query":["by","metrics","from","to"],"body":[],"form":"csv","idempotent":false},
  listUserMetrics: {"method":"GET","path":"/v1/metrics","query":[],"body":[],"form":"json","idempotent":false},
  platformMetrics: {"method":"GET","path":"/v1/platform-metrics","query":["metric","by","timezone","userId","integrationId","platform","split","from","to","compare"],"body":[],"form":"json","idempotent":false},
  platformMetricsCsv: {"method":"GET","path":"/v1/platform-metrics.csv","query":["metric","by","timezone","userId","integrationId","platform","split","from","to"],"body":[],"form":"csv","idempotent":false},
  platformHours: {"method":"GET","path":"/v1/platform-metrics/live","query":["hours"],"body":[],"form":"json","idempotent":false},
  listAuditLogs: {"method":"GET","path":"/v1/audit-logs","query":["limit","cursor","action","target"],"body":[],"form":"json","idempotent":false},
  listSecurityLogs: {"method":"GET","path":"/v1/security-logs","query":["limit","cursor","event","severity"],"body":[],"form":"json","idempotent":false},
  listCredentialOpenings: {"method":"GET","path":"/v1/integrations/{integrationId}/openings","query":["limit","cursor"],"body":[],"form":"json","idempotent":false},
} as const;
