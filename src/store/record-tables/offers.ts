// Clients' offers in the table `offers`.

import type { OfferRecord } from '../../core/records.ts';
import { jobLink } from './links.ts';
import { decimal, instant, text, type RecordTable } from './record-table.ts';

export const offersTable: RecordTable<OfferRecord> = {
  name: 'offers',
  keyColumns: ['upwork_offer_id'],
  keyOf: (offer) => offer.upworkOfferId,
  columns: [
    text('upwork_offer_id', (offer) => offer.upworkOfferId),
    text('upwork_job_id', (offer) => offer.upworkJobId),
    text('client_id', (offer) => offer.clientId),
    text('client_name', (offer) => offer.clientName),
    text('title', (offer) => offer.title),
    text('description', (offer) => offer.description),
    text('message', (offer) => offer.message),
    text('offer_type', (offer) => offer.offerType),
    decimal('hourly_rate', (offer) => offer.hourlyRate),
    decimal('fixed_amount', (offer) => offer.fixedAmount),
    text('currency', (offer) => offer.currency),
    decimal('weekly_limit_hours', (offer) => offer.weeklyLimitHours),
    text('status', (offer) => offer.status),
    text('platform_status', (offer) => offer.platformStatus),
    instant('expected_start', (offer) => offer.expectedStart),
    instant('source_updated_at', (offer) => offer.sourceUpdatedAt),
  ],
  dirtyInstants: [],
  lookups: [jobLink],
};
