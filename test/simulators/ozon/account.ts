// The seller himself in the simulated Ozon: company, subscription, roles of the key, ratings.

import { defineResource } from './resource.ts';

export interface Rating {
  readonly rating: string;
  readonly name: string;
  readonly group: string;
  readonly value: number;
  readonly previous: number | null;
  readonly valueType: 'INDEX' | 'PERCENT' | 'TIME' | 'RATIO' | 'REVIEW_SCORE' | 'COUNT';
}

export interface AccountState {
  company: { legalName: string; inn: string; country: string; currency: string; taxSystem: string };
  ratings: Rating[];
  penaltyExceeded: boolean;
}

const STATUS = { danger: false, premium: true, warning: false } as const;

function currentOf({ value }: Rating, now: Date): object {
  const at = now.toISOString();
  return { date_from: at, date_to: at, formatted: String(value), status: STATUS, value };
}

export const account = defineResource<AccountState>({
  name: 'account',
  create: ({ name, clientId }) => ({
    company: {
      legalName: `${name} LLC`,
      inn: `77${clientId.padStart(8, '0')}`,
      country: 'RU',
      currency: 'RUB',
      taxSystem: 'USN',
    },
    ratings: [
      {
        rating: 'rating_review_avg_score_total',
        name: 'Average score',
        group: 'Reviews',
        value: 4.8,
        previous: 4.7,
        valueType: 'REVIEW_SCORE',
      },
      {
        rating: 'rating_on_time',
        name: 'Orders in time',
        group: 'Delivery',
        value: 98,
        previous: null,
        valueType: 'PERCENT',
      },
    ],
    penaltyExceeded: false,
  }),
  methods: {
    '/v1/roles': (_, { seller: { roles, keyExpiresAt } }) => ({
      expires_at: keyExpiresAt.toISOString(),
      roles: roles ?? [{ name: 'Admin', methods: ['/v1', '/v2', '/v3', '/v4', '/v5'] }],
    }),
    '/v1/seller/info': ({ company, ratings }, { seller, traps, now }) => ({
      company: {
        country: company.country,
        currency: company.currency,
        inn: company.inn,
        legal_name: company.legalName,
        name: seller.name,
        ogrn: '',
        ownership_form: 'LLC',
        tax_system: company.taxSystem,
      },
      ratings: ratings.map((rating) => ({
        current_value: currentOf(rating, now),
        name: rating.name,
        past_value: traps.nullObjects ? null : currentOf({ ...rating, value: rating.previous ?? 0 }, now),
        rating: rating.rating,
        status: 'OK',
        value_type: rating.valueType,
      })),
      subscription: { is_premium: seller.subscription !== 'UNSPECIFIED', type: seller.subscription },
    }),
    '/v1/rating/summary': ({ ratings, penaltyExceeded }, { seller }) => ({
      groups: [...Map.groupBy(ratings, ({ group }) => group)].map(([group, items]) => ({
        group_name: group,
        items: items.map(({ rating, name, value, previous, valueType }) => ({
          change: { direction: 'DIRECTION_NONE', meaning: 'MEANING_NONE' },
          current_value: value,
          name,
          past_value: previous,
          rating,
          rating_direction: 'NEUTRAL',
          status: 'OK',
          value_type: valueType,
        })),
      })),
      localization_index: [],
      penalty_score_exceeded: penaltyExceeded,
      premium: seller.subscription !== 'UNSPECIFIED',
      premium_plus: seller.subscription === 'PREMIUM_PLUS',
    }),
  },
});
