// The parts of the simulated Ozon.

import { accruals } from './accruals.ts';
import { account } from './account.ts';
import { catalogue } from './catalogue.ts';
import { figures } from './figures.ts';
import { postings } from './postings.ts';
import type { AnyResource, Resource } from './resource.ts';
import { stocks } from './stocks.ts';
import { talk } from './talk.ts';

/** Its own state goes in where it came out. */
const part = <State>(resource: Resource<State>): AnyResource => resource as unknown as AnyResource;

export const RESOURCES: readonly AnyResource[] = [
  part(account),
  part(postings),
  part(catalogue),
  part(stocks),
  part(accruals),
  part(talk),
  part(figures),
];
