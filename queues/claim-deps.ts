// What taking jobs in hand needs: the queue, and who takes them.

import type { AdmissionDeps } from './admission.ts';

export interface ClaimDeps extends AdmissionDeps {
  readonly workerId: string;
}
