// Every error code of Tidemark with the kind that decides what happens next. A code is stable: logs, problem
// documents, `sync_logs.errors` and other people's alerts match on it. Add a line, never rename one.

/**
 * What an error means for the work in hand. `decide` in `retry.ts` is the one place that acts on it.
 *
 * - `transient` backoff with full jitter
 * - `rate_limited` snooze until told, without spending an attempt
 * - `auth` refresh once, then park the integration
 * - `scope` park the stream: a permission is missing
 * - `gone` the platform switched the method off: mark the stream gone and alarm
 * - `config` a person must act
 * - `invalid_record` quarantine the record and go on
 * - `stale_cursor` plan again from a safe point
 * - `conflict` someone else won: stop quietly
 * - `fatal` dead letter
 */
export type ErrorKind =
  | 'transient'
  | 'rate_limited'
  | 'auth'
  | 'scope'
  | 'gone'
  | 'config'
  | 'invalid_record'
  | 'stale_cursor'
  | 'conflict'
  | 'fatal';

export const ERROR_CODES = {
  // configuration and usage
  'config.invalid': 'config',
  'usage.invalid': 'config',
  'input.invalid': 'config',
  not_found: 'config',
  // lifecycle
  'service.start_failed': 'fatal',
  'service.address_unusable': 'config',
  'service.stop_timeout': 'transient',
  'service.stop_failed': 'transient',
  'process.child_refused': 'config',
  'run.unsuccessful': 'fatal',
  // database
  'db.unavailable': 'transient',
  'db.login_refused': 'config',
  'db.serialization': 'transient',
  'db.timeout': 'transient',
  'db.constraint': 'fatal',
  'db.forbidden': 'fatal',
  'db.query_failed': 'fatal',
  'migration.locked': 'transient',
  'migration.failed': 'fatal',
  'migration.newer_schema': 'config',
  'migration.pending': 'config',
  // embedded Postgres
  'embedded_postgres.unavailable': 'config',
  'embedded_postgres.start_failed': 'fatal',
  'embedded_postgres.in_use': 'conflict',
  // vault
  'vault.key_missing': 'config',
  'vault.key_retired': 'config',
  'vault.key_in_use': 'conflict',
  'vault.key_file_unreadable': 'config',
  'vault.key_file_unwritable': 'config',
  'vault.key_file_busy': 'conflict',
  'vault.open_failed': 'config',
  // queue
  'queue.unknown_kind': 'fatal',
  'queue.payload_invalid': 'fatal',
  'queue.job_timeout': 'transient',
  'queue.poisoned': 'fatal',
  'queue.claim_lost': 'conflict',
  'queue.engine_failed': 'transient',
  'queue.overloaded': 'transient',
  'queue.engine_busy': 'transient',
  'queue.job_active': 'conflict',
  'queue.not_paused': 'conflict',
  // sync
  'sync.lease_lost': 'conflict',
  'sync.checkpoint_conflict': 'conflict',
  'sync.stale_cursor': 'stale_cursor',
  'sync.cursor_stuck': 'fatal',
  'sync.cursor_too_large': 'fatal',
  'sync.run_settled': 'conflict',
  'sync.page_invalid': 'transient',
  'sync.delete_brake': 'config',
  'record.invalid': 'invalid_record',
  'record.refused': 'invalid_record',
  // http and platforms
  'http.unavailable': 'transient',
  'http.timeout': 'transient',
  'http.body_invalid': 'transient',
  'http.body_too_large': 'fatal',
  'http.egress_denied': 'config',
  'http.redirect_denied': 'config',
  'platform.rate_limited': 'rate_limited',
  'platform.unauthorized': 'auth',
  'platform.forbidden': 'scope',
  'platform.scope_missing': 'scope',
  'platform.method_gone': 'gone',
  'platform.request_invalid': 'fatal',
  'platform.unavailable': 'transient',
  'platform.answer_invalid': 'transient',
  'platform.blocked': 'rate_limited',
  // credentials
  'credential.missing': 'config',
  'credential.invalid': 'config',
  'credential.grant_dead': 'auth',
  'credential.rotation_in_doubt': 'config',
  'credential.refresh_conflict': 'conflict',
  // receiving
  'receive.webhook_active': 'config',
  'receive.other_poller': 'transient',
  'receive.webhook_changed': 'transient',
  'receive.lease_lost': 'conflict',
  'webhook.unproven': 'scope',
  // importing
  'import.file_invalid': 'fatal',
  'import.taken_over': 'conflict',
  // sending
  'message.refused': 'config',
  'message.recipient_unreachable': 'config',
  'message.window_closed': 'config',
  'message.template_refused': 'config',
  'message.chat_migrated': 'config',
  'message.in_doubt': 'config',
  // connecting by OAuth
  'oauth.denied': 'config',
  'oauth.code_refused': 'config',
  'oauth.exchange_in_doubt': 'config',
  'oauth.account_mismatch': 'config',
  'oauth.already_connected': 'config',
  'oauth.organization_unknown': 'config',
  'oauth.expired': 'config',
  // metrics
  'metrics.different': 'fatal',
  // audit
  'audit.chain_broken': 'fatal',
  // api
  'api.unauthorized': 'auth',
  'api.forbidden': 'scope',
  'api.cursor_invalid': 'config',
  'api.rate_limited': 'rate_limited',
  'api.locked_out': 'rate_limited',
  'api.body_too_large': 'config',
  'api.body_too_deep': 'config',
  'api.idempotency_mismatch': 'conflict',
  'api.cross_site': 'scope',
  'api.conflict': 'conflict',
  'api.overloaded': 'transient',
  'api.media_type': 'config',
  // anything that nobody foresaw
  internal: 'fatal',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_CODES;
