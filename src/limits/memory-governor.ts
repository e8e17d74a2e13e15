// A governor for one process, over the same arithmetic as the one in Postgres. For connector tests and tools; a worker
// must never use it, because its buckets are not shared.

import type { Clock } from '../core/clock.ts';
import { bucketName, charged, FULL_BUCKET, grantOf, learned, parked, settled, toDemands, waitsOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import type { BucketRule, Governor } from './governor.ts';

export function createMemoryGovernor({ clock }: { readonly clock: Pick<Clock, 'now'> }): Governor {
  const buckets = new Map<string, Bucket>();
  const find = (rule: BucketRule, key: string): Bucket => buckets.get(bucketName(rule, key)) ?? FULL_BUCKET;
  const change = (rule: BucketRule, key: string, to: (bucket: Bucket) => Bucket): void => {
    buckets.set(bucketName(rule, key), to(find(rule, key)));
  };
  return {
    take: async (charges, workClass) => {
      const nowMs = clock.now().getTime();
      const demands = toDemands(charges);
      const grant = grantOf(
        demands.flatMap((demand) => waitsOf(find(demand.rule, demand.key), demand, workClass, nowMs)),
      );
      if (!grant.granted) return grant;
      for (const demand of demands) change(demand.rule, demand.key, (bucket) => charged(bucket, demand, nowMs));
      return grant;
    },
    settle: async ({ rule, key, cost = 1 }, actual) => {
      if (actual === cost) return;
      change(rule, key, (bucket) => settled(bucket, rule, actual - cost, clock.now().getTime()));
    },
    learn: async (lesson) =>
      change(lesson.rule, lesson.key, (bucket) => learned(bucket, lesson, clock.now().getTime())),
    park: async ({ rule, key }, until) => change(rule, key, (bucket) => parked(bucket, until.getTime())),
  };
}
