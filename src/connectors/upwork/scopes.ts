// Which streams an API key opens, by one request: a query that touches something of each. Upwork answers a query that it may not
// execute with every `Type.field` that the key has no scope for, and executes nothing.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { MissingScope } from '../contract/oauth.ts';
import type { ReadContext } from '../contract/stream.ts';
import { createUpworkApi, type Operation } from './api.ts';
import type { UpworkCredential } from './credential.ts';
import type { UpworkSettings } from './settings.ts';

interface Probe {
  readonly selection: string;
  /** The names in an error that speak of this stream. */
  readonly touches: RegExp;
}

const ROOMS = /^(?:Query\.roomList$|Room)/;

/** By stream. One that is not here is not asked about: it has no cheap question. */
const PROBES: Readonly<Record<string, Probe>> = {
  profile: {
    selection: 'user { freelancerProfile { fullName } }',
    touches: /^(?:\w*User\.freelancerProfile|FreelancerProfile\.)/,
  },
  jobs: {
    selection:
      'postings: marketplaceJobPostingsSearch(searchType: USER_JOBS_SEARCH, sortAttributes: [{ field: RECENCY }]) { totalCount }',
    touches: /^(?:Query\.marketplaceJobPostingsSearch$|MarketplaceJobPosting)/,
  },
  proposals: {
    selection: `proposals: vendorProposals(
    filter: { status_eq: Pending }, sortAttribute: { field: MODIFIEDDATETIME, sortOrder: DESC }, pagination: { first: 1 }
  ) { totalCount }`,
    touches: /^(?:Query\.vendorProposals$|VendorProposal)/,
  },
  contracts: {
    selection: 'contracts: contractList(ids: []) { contracts { id } }',
    touches: /^(?:Query\.contractList$|Contract)/,
  },
  rooms: { selection: 'rooms: roomList(pagination: { first: 1 }) { totalCount }', touches: ROOMS },
  // What a room holds is opened by the scope of the room.
  messages: { selection: 'talks: roomList(pagination: { first: 1 }) { totalCount }', touches: ROOMS },
  transactions: { selection: 'entity: accountingEntity { id }', touches: /^(?:Query\.accountingEntity$|Accounting)/ },
};

function fieldsOf(error: unknown): readonly string[] {
  if (!(error instanceof AppError) || error.code !== 'platform.scope_missing') throw error;
  return z.array(z.string()).safeParse(error.details['fields']).data ?? [];
}

/** Throws what the platform says besides missing scopes. */
export async function missingScopes(
  context: ReadContext<UpworkCredential, UpworkSettings>,
  streams: readonly string[],
): Promise<readonly MissingScope[]> {
  const probes = Object.entries(PROBES).filter(([stream]) => streams.includes(stream));
  const selections = probes.map(([, { selection }]) => selection).join('\n  ');
  const probeScopes: Operation<unknown> = {
    name: 'ProbeScopes',
    document: () => `
query ProbeScopes {
  ${selections}
}`,
    data: z.unknown(),
  };
  const refused = await createUpworkApi(context)
    .query(probeScopes, {})
    .then(() => [], fieldsOf);
  return probes.flatMap(([stream, { touches }]) => {
    const fields = refused.filter((field) => touches.test(field));
    return fields.length === 0 ? [] : [{ stream, fields }];
  });
}
