// The step boundaries of a run, by name, in order. A test may stop the worker at any of them; nothing else may depend on
// them.

export const STEPS = [
  'run.leased',
  'run.planned',
  'page.read',
  'page.validated',
  'tx.begun',
  'tx.checkpointed',
  'tx.upserted',
  'tx.counted',
  'tx.quarantined',
  'tx.marked',
  'page.committed',
  'run.read',
  'run.finished',
] as const;

export type StepName = (typeof STEPS)[number];

export type OnStep = (step: StepName) => Promise<void> | void;
