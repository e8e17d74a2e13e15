// States of a queue job.
//
//            enqueue                    admission                claim
//   ───────────────────► delayed/waiting ─────────► waiting ─────────────► active ──► completed
//                              ▲                                             │ │ └──► cancelled
//                              └───────────── retry, snooze, takeover ───────┘ └────► failed → dead (dead letter)

export const JOB_STATES = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled', 'dead'] as const;

export type JobState = (typeof JOB_STATES)[number];
