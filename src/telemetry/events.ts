// Every log line of Tidemark, phrased once: event name → level and sentence. info = something a person would like to
// know tomorrow; warn = we coped; error = someone must look. Fields go beside the sentence, never into it.

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface EventPhrase {
  readonly level: EventLevel;
  readonly message: string;
}

export const EVENTS = {
  // process and services
  'process.started': { level: 'info', message: 'process started' },
  'process.stopping': { level: 'info', message: 'stopping: finishing what is in hand' },
  'process.stopped': { level: 'info', message: 'process stopped' },
  'process.child_exited': { level: 'warn', message: 'a child process exited and is started again' },
  'process.child_ready': { level: 'debug', message: 'a child process is ready' },
  'process.child_killed': { level: 'warn', message: 'a child process did not end in time and was killed' },
  'process.crashed': { level: 'error', message: 'an error that nobody handled ends the process' },
  'service.started': { level: 'debug', message: 'service started' },
  'service.stopped': { level: 'debug', message: 'service stopped' },
  'service.failed': { level: 'error', message: 'service failed' },
  'loop.failed': { level: 'warn', message: 'a background pass failed and will be tried again' },
  'api.listening': { level: 'info', message: 'listening' },
  // database
  'db.migrated': { level: 'info', message: 'migrations applied' },
  'db.connection_lost': { level: 'warn', message: 'a database connection was lost' },
  'db.listen_pooled': {
    level: 'warn',
    message: 'a pooler stands before the database, so new jobs are found by polling: set DIRECT_DATABASE_URL past it',
  },
  'embedded_postgres.started': { level: 'info', message: 'embedded PostgreSQL is ready' },
  'embedded_postgres.reused': { level: 'info', message: 'embedded PostgreSQL was already running and is shared' },
  'embedded_postgres.recovered': { level: 'warn', message: 'embedded PostgreSQL was recovered after a crash' },
  'embedded_postgres.stopped': { level: 'info', message: 'embedded PostgreSQL stopped' },
  // queue
  'job.started': { level: 'debug', message: 'job started' },
  'job.completed': { level: 'debug', message: 'job completed' },
  'job.retried': { level: 'warn', message: 'job failed and will be tried again' },
  'job.snoozed': { level: 'debug', message: 'job waits without spending an attempt' },
  'job.discarded': { level: 'info', message: 'job discarded: someone else won' },
  'job.cancelled': { level: 'info', message: 'job cancelled' },
  'job.dead': { level: 'error', message: 'job went to the dead letter' },
  'job.replayed': { level: 'info', message: 'dead letters were put back into the queue' },
  'job.taken_over': { level: 'warn', message: 'job taken over from a dead worker' },
  'job.lost_restored': { level: 'warn', message: 'job was missing from the engine and is queued again' },
  'job.late_settle': { level: 'warn', message: 'a job was taken over before it was settled: its outcome is refused' },
  'job.quietly_removed': { level: 'debug', message: 'an engine job without a ledger row was removed' },
  'engine.rebuilt': { level: 'error', message: 'jobs are due and none can be claimed: connections are made anew' },
  'engine.switched': { level: 'warn', message: 'the queue runs on another engine now: this process ends' },
  'engine.connection_lost': { level: 'warn', message: 'a connection to the queue engine was lost; it is made again' },
  'engine.deferred': {
    level: 'warn',
    message: 'an engine command after a commit failed; the reconciler makes up for it',
  },
  'engine.warning': { level: 'warn', message: 'the queue engine warns' },
  // scheduler and workers
  'schedule.claimed': { level: 'debug', message: 'due streams claimed' },
  'schedule.overdue': { level: 'error', message: 'streams are overdue and no run happens' },
  'admission.admitted': { level: 'debug', message: 'jobs admitted to the engine' },
  'worker.registered': { level: 'info', message: 'worker registered' },
  'worker.dead': { level: 'warn', message: 'worker stopped answering; its work is taken over' },
  'worker.blocked': {
    level: 'error',
    message: 'a handler blocks the event loop for too long; its leases are given up',
  },
  // sync
  'run.started': { level: 'info', message: 'run started' },
  'run.page': { level: 'debug', message: 'page stored' },
  'run.continued': { level: 'info', message: 'run continues in a new slice' },
  'run.finished': { level: 'info', message: 'run finished' },
  'run.waiting': { level: 'info', message: 'run waits for its next attempt' },
  'run.failed': { level: 'error', message: 'run failed' },
  'run.lease_lost': { level: 'warn', message: 'lease lost: nothing of this page was written' },
  'stream.parked': { level: 'error', message: 'stream parked: a person must act' },
  'integration.parked': { level: 'error', message: 'integration parked: a person must act' },
  'lease.release_failed': { level: 'warn', message: 'a lease could not be given back; it ends with its job' },
  'metrics.lost': { level: 'warn', message: 'platform metrics of a run could not be written' },
  'record.quarantined': { level: 'warn', message: 'records quarantined' },
  // receiving and sending
  'inbox.dead': { level: 'error', message: 'events could not be read: they wait for a replay' },
  'inbox.handed_on_late': { level: 'warn', message: 'events waited for longer than they should and are processed now' },
  'inbox.hint_lost': { level: 'warn', message: 'events are stored, and the hint to process them was lost' },
  'receiver.started': { level: 'info', message: 'an account is listened to' },
  'receiver.failed': { level: 'warn', message: 'an account could not be listened to and is tried again' },
  'receiver.webhook_lost': { level: 'warn', message: 'a webhook was gone at its platform and is set again' },
  'receiver.parked': { level: 'error', message: 'an account is not listened to any more: a person must act' },
  'receiver.lost': { level: 'info', message: 'another worker listens to an account' },
  'webhook.unproven': { level: 'warn', message: 'a webhook without the right proof was refused' },
  'webhook.unrouted': { level: 'warn', message: 'events came for an account that nobody connected: they wait' },
  'message.sent': { level: 'info', message: 'message sent' },
  'message.failed': { level: 'warn', message: 'message refused' },
  'message.in_doubt': { level: 'error', message: 'a message may have been sent or not: nobody knows' },
  // credentials
  'account.connected': { level: 'info', message: 'an account was connected by consent' },
  'account.connect_failed': { level: 'warn', message: 'an account could not be connected: its user must begin again' },
  'grant.expiring': { level: 'warn', message: 'a grant that nobody uses ends soon: the account must be reconnected' },
  'credential.refreshed': { level: 'info', message: 'credential refreshed' },
  'credential.rotation_in_doubt': { level: 'error', message: 'rotation in doubt: the account must be reconnected' },
  'vault.keys_changed': { level: 'info', message: 'secret keys taken up from their file' },
  'vault.keys_unreadable': {
    level: 'error',
    message: 'the secret keys file cannot be read; the keys held so far stay',
  },
  'vault.open_refused': { level: 'error', message: 'a ciphertext did not open for this integration' },
  // notifications of platforms
  'push.unknown_kind': { level: 'warn', message: 'a platform sends notifications of a kind that is not known here' },
  // http and limits
  'platform.version_changed': {
    level: 'warn',
    message: 'a platform answers with another version of its API than it was asked for',
  },
  'http.retried': { level: 'debug', message: 'request failed and is sent again' },
  'http.egress_denied': { level: 'error', message: 'request to a host outside the egress policy was refused' },
  'limits.parked': { level: 'warn', message: 'platform asked us to wait: bucket parked' },
  'limits.breaker_opened': { level: 'warn', message: 'breaker opened' },
  'limits.learn_failed': { level: 'warn', message: 'what an answer taught about a bucket could not be stored' },
  // retention
  'retention.erased': { level: 'info', message: 'copies that a platform lets nobody keep longer were erased' },
  'old_rows.forgotten': { level: 'info', message: 'what is older than it is kept was forgotten' },
  'partition.made': { level: 'info', message: 'a month of a growing table was made ahead' },
  'partition.dropped': { level: 'info', message: 'a month that is older than it is kept was dropped' },
  'partition.unsealed': {
    level: 'warn',
    message: 'a month is old enough to go and stays: metrics are computed from it whose days are not sealed',
  },
  'table.bloated': { level: 'warn', message: 'a table or an index holds far more room than its rows need' },
  // reading
  'reads.replica_left': { level: 'warn', message: 'the replica lags or is away: reports read from the primary' },
  'reads.replica_taken': { level: 'info', message: 'reports read from the replica' },
  // rollups
  'rollup.day': { level: 'debug', message: 'day rolled up' },
} as const satisfies Record<string, EventPhrase>;

export type EventName = keyof typeof EVENTS;
