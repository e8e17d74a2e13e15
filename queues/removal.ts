// Jobs promoted and taken away by an operator.

import { AppError } from '../src/core/errors.ts';
import type { JobQueue } from './port.ts';

export function createRemoval(): Pick<JobQueue, 'promote' | 'remove' | 'clean'> {
  const refuse = (): never => {
    throw new AppError('internal', 'not built yet');
  };
  return { promote: refuse, remove: refuse, clean: refuse };
}
