// The user's own profile in the table `upwork_profiles`.

import type { UpworkProfileRecord } from '../../core/records.ts';
import { decimal, instant, integer, text, textList, type RecordTable } from './record-table.ts';

export const upworkProfilesTable: RecordTable<UpworkProfileRecord> = {
  name: 'upwork_profiles',
  keyColumns: ['upwork_id'],
  keyOf: (profile) => profile.upworkId,
  columns: [
    text('upwork_id', (profile) => profile.upworkId),
    text('username', (profile) => profile.username),
    text('full_name', (profile) => profile.fullName),
    text('title', (profile) => profile.title),
    text('description', (profile) => profile.description),
    decimal('hourly_rate', (profile) => profile.hourlyRate),
    text('hourly_rate_currency', (profile) => profile.hourlyRateCurrency),
    decimal('total_earnings', (profile) => profile.totalEarnings),
    text('total_earnings_currency', (profile) => profile.totalEarningsCurrency),
    decimal('total_hours', (profile) => profile.totalHours),
    integer('total_jobs', (profile) => profile.totalJobs),
    decimal('success_rate', (profile) => profile.successRate),
    textList('skills', (profile) => profile.skills),
    text('location', (profile) => profile.location),
    text('profile_url', (profile) => profile.profileUrl),
    { name: 'member_since', type: 'date', read: (profile) => profile.memberSince },
    instant('source_updated_at', (profile) => profile.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
