// What the doctor finds: one thing that a person wants to know before he trusts an installation.

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'weak' | 'failed';
  readonly finding: string;
  /** What to do when that is not good. */
  readonly advice?: string;
}

export type Finding = Omit<Check, 'name'>;
