// Who is a member of a scope, and which members a complete generation no longer has. A record that could not be stored is
// a member all the same: being unreadable is not being gone.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface Scope {
  readonly integrationId: string;
  readonly userId: string;
  readonly stream: string;
  readonly key: string;
  readonly generation: string;
}

/** Stands for a record without a key: nobody can tell what a generation with it is missing. */
export const UNKNOWN_MEMBER = '';

/** Notes the members that a page of this generation contained. Keys must be distinct. */
export async function noteMembers(tx: Queryable, scope: Scope, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(
    sql`
    insert into stream_generations as g (integration_id, user_id, stream, scope_key, generation, record_key)
    select $1, $2, $3, $4, $5, key
    from unnest($6::text[]) as u (key)
    on conflict (integration_id, stream, scope_key, record_key) do update
    set generation = excluded.generation
    where g.generation <> excluded.generation`,
    [scope.integrationId, scope.userId, scope.stream, scope.key, scope.generation, keys],
  );
}

export interface Missing {
  /** Members of earlier generations that no scope of this stream has any more. */
  readonly keys: readonly string[];
  /** How many members the scope had or has. */
  readonly members: number;
  /** True when a record without a key was among this generation. */
  readonly isDoubtful: boolean;
  /** A person's word that this close may remove more than the brake allows. */
  readonly mayRemoveMany: boolean;
}

export async function findMissing(tx: Queryable, scope: Scope): Promise<Missing> {
  const { rows } = await tx.query<{ keys: string[]; members: number; doubtful: boolean; may_remove_many: boolean }>(
    sql`
    select
      count(*)::integer as members,
      coalesce(bool_or(g.record_key = '' and g.generation = $4), false) as doubtful,
      coalesce(array_agg(g.record_key) filter (
        where g.generation <> $4
          and g.record_key <> ''
          and not exists (
            select
            from stream_generations other
            where other.integration_id = g.integration_id
              and other.stream = g.stream
              and other.record_key = g.record_key
              and other.scope_key <> g.scope_key
          )
      ), '{}') as keys,
      coalesce((
        select s.allow_mass_delete
        from integration_streams s
        where s.integration_id = $1
          and s.stream = $2
      ), false) as may_remove_many
    from stream_generations g
    where g.integration_id = $1
      and g.stream = $2
      and g.scope_key = $3`,
    [scope.integrationId, scope.stream, scope.key, scope.generation],
  );
  const { keys, members, doubtful, may_remove_many: mayRemoveMany } = rows[0]!;
  return { keys, members, isDoubtful: doubtful, mayRemoveMany };
}

/** Drops the members of earlier generations, after their rows were removed; spends a person's leave to remove many. */
export async function forgetMissing(tx: Queryable, scope: Scope): Promise<void> {
  await tx.query(
    sql`
    delete from stream_generations
    where integration_id = $1
      and stream = $2
      and scope_key = $3
      and generation <> $4`,
    [scope.integrationId, scope.stream, scope.key, scope.generation],
  );
  await tx.query(
    sql`
    update integration_streams
    set allow_mass_delete = false
    where integration_id = $1
      and stream = $2
      and allow_mass_delete`,
    [scope.integrationId, scope.stream],
  );
}
