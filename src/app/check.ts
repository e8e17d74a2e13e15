// What one check of the doctor says.

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'weak' | 'failed';
  readonly finding: string;
  readonly advice?: string;
}

export type Finding = Omit<Check, 'name'>;
