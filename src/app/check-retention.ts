// The doctor's look at how long data of platforms is kept, against what their terms say.

import type { Config } from '../config/config.ts';
import { HOUR_MS, renderDuration } from '../core/duration.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Check, Finding } from './check.ts';

interface Verdict {
  readonly status: Check['status'];
  readonly finding: string;
  readonly platform: string;
  readonly wanted?: string;
}

function judge({ platform, displayName, terms }: AnyConnector, { retention }: Pick<Config, 'retention'>): Verdict {
  const limitMs = retention[platform];
  const kept = limitMs === undefined ? 'nothing is ever erased' : `erased after ${renderDuration(limitMs)}`;
  if (terms === undefined) return { status: 'ok', platform, finding: `${displayName}: ${kept}` };
  const { cachedHours, source } = terms;
  if (limitMs !== undefined && limitMs <= cachedHours * HOUR_MS)
    return { status: 'ok', platform, finding: `${displayName}: ${kept}, as its terms ask` };
  const finding = `${displayName}: ${kept}, its terms let data be cached for ${cachedHours} hours (${source})`;
  return { status: 'weak', platform, finding, wanted: renderDuration(cachedHours * HOUR_MS) };
}

/** Platforms whose records are all the users' own have nothing to erase. */
export function checkRetention(config: Pick<Config, 'retention'>, connectors: Iterable<AnyConnector>): Finding {
  const verdicts = [...connectors]
    .filter(({ streams }) => streams.some(({ owner }) => owner === 'platform'))
    .map((connector) => judge(connector, config));
  const finding = verdicts.map((verdict) => verdict.finding).join('; ');
  const wanted = verdicts.flatMap(({ platform, wanted: limit }) => (limit === undefined ? [] : [[platform, limit]]));
  if (wanted.length === 0) return { status: 'ok', finding };
  const setting = JSON.stringify({ ...wordsOf(config), ...Object.fromEntries(wanted) });
  const advice = `set TIDEMARK_RETENTION=${setting}, unless you have the platform's permission to keep it longer`;
  return { status: 'weak', finding, advice };
}

function wordsOf({ retention }: Pick<Config, 'retention'>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(retention).map(([platform, ms]) => [platform, renderDuration(ms)]));
}
