// Numbers of a business account. Words of states are kept as they come: Meta's own examples know more of them than its document.

import { z } from 'zod';
import type { PhoneNumberRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText } from '../../toolkit/scalars.ts';
import { loose, told } from './scalars.ts';

const numberSchema = z.looseObject({
  id: idText,
  display_phone_number: loose,
  verified_name: loose,
  status: loose,
  quality_rating: loose,
  username: loose,
});

/** Members that go to `details`, in our spelling. */
const DETAILS: Readonly<Record<string, string>> = {
  country_code: 'countryCode',
  country_dial_code: 'countryDialCode',
  code_verification_status: 'codeVerificationStatus',
  unified_cert_status: 'certificateStatus',
  account_mode: 'accountMode',
  host_platform: 'hostPlatform',
  messaging_limit_tier: 'messagingLimitTier',
  is_official_business_account: 'isOfficial',
  username: 'username',
};

/** What is asked of each number. */
export const NUMBER_FIELDS = [
  'id',
  'display_phone_number',
  'verified_name',
  'status',
  'quality_rating',
  ...Object.keys(DETAILS),
].join(',');

export function parsePhoneNumber(raw: unknown): PhoneNumberRecord {
  const row = parseRecord(numberSchema, raw);
  return {
    phoneNumberId: row.id,
    displayPhoneNumber: row.display_phone_number ?? null,
    verifiedName: row.verified_name ?? null,
    status: row.status ?? null,
    qualityRating: row.quality_rating ?? null,
    details: told(Object.fromEntries(Object.entries(DETAILS).map(([name, ours]) => [ours, row[name]]))),
    sourceUpdatedAt: null,
  };
}
