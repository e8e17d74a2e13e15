// One GraphQL call to Upwork: bucket, headers, one renewal after a 401, and the reading of errors inside HTTP 200. Fields
// that the API key has no scope for are dropped from the query, once, when the query can live without them.

import { z } from 'zod';
import { AppError, type ErrorReport } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import type { ReadContext } from '../contract/stream.ts';
import type { UpworkCredential } from './credential.ts';
import {
  edgeBlockMs,
  fieldsWithoutScope,
  graphqlErrorSchema,
  graphqlFailure,
  graphqlProblem,
  httpFailure,
} from './errors.ts';
import { apiCharge } from './limits.ts';
import type { UpworkSettings } from './settings.ts';

const GRAPHQL_URL = 'https://api.upwork.com/graphql';

/** Writes a selection only while the API key has the scope for `Type.field`. */
export type Optional = (typeAndField: string, selection: string) => string;

export interface Operation<Data> {
  readonly name: string;
  /** The query's text; what goes through `optional` can be left out. */
  readonly document: (optional: Optional) => string;
  readonly data: z.ZodType<Data>;
}

export interface Answer<Data> {
  readonly data: Data;
  /** What Upwork complained about beside the data. */
  readonly problems: readonly ErrorReport[];
}

export interface UpworkApi {
  /** Throws `platform.*`, `http.*` and `credential.*`; see errors.ts. */
  query<Data>(operation: Operation<Data>, variables: Readonly<Record<string, unknown>>): Promise<Answer<Data>>;
}

type Context = ReadContext<UpworkCredential, UpworkSettings>;

const envelopeSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(graphqlErrorSchema).nullish(),
});

function readEnvelope({ status, text }: HttpResponse): z.output<typeof envelopeSchema> {
  if (status !== 200) throw httpFailure(status, text);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new AppError(
      'http.body_invalid',
      `expected JSON from Upwork, got ${text.length} characters that do not parse`,
      {
        cause: error,
      },
    );
  }
  const envelope = envelopeSchema.safeParse(body);
  if (!envelope.success) throw new AppError('platform.answer_invalid', 'expected {data, errors} from Upwork');
  return envelope.data;
}

function hasData(data: Readonly<Record<string, unknown>> | null | undefined): boolean {
  return data !== null && data !== undefined && Object.values(data).some((value) => value !== null);
}

/** Posts a GraphQL body; after a 401 once more with a renewed token. */
function createSender({
  http,
  credential,
  settings,
  signal,
  egressId,
}: Context): (body: unknown) => Promise<HttpResponse> {
  const post = async (body: unknown, token: Secret<UpworkCredential>): Promise<HttpResponse> =>
    await http.request(
      {
        method: 'POST',
        url: GRAPHQL_URL,
        headers: {
          Authorization: new Secret(`Bearer ${token.reveal().access_token}`),
          // Without it Upwork answers in the personal context and an agency's data looks empty.
          ...(settings.organization_id === undefined ? {} : { 'X-Upwork-API-TenantId': settings.organization_id }),
        },
        body: { type: 'json', value: body },
        charges: [apiCharge(egressId)],
        slowDownMs: edgeBlockMs,
      },
      signal,
    );
  return async (body) => {
    const token = await credential.current();
    const response = await post(body, token);
    return response.status === 401 ? await post(body, await credential.renew(token)) : response;
  };
}

export function createUpworkApi(context: Context): UpworkApi {
  const send = createSender(context);
  // Learned once per run: fields without scope do not come back by asking again.
  const dropped = new Set<string>();

  const ask = async (operation: Operation<unknown>, variables: Readonly<Record<string, unknown>>) => {
    const used = new Set<string>();
    const optional: Optional = (name, selection) => {
      if (dropped.has(name)) return '';
      used.add(name);
      return selection;
    };
    const body = { operationName: operation.name, query: operation.document(optional), variables };
    return { used, envelope: readEnvelope(await send(body)) };
  };

  return {
    async query<Data>(operation: Operation<Data>, variables: Readonly<Record<string, unknown>>): Promise<Answer<Data>> {
      let { used, envelope } = await ask(operation, variables);
      const missing = (envelope.errors ?? []).flatMap(fieldsWithoutScope);
      const problems: ErrorReport[] = [];
      if (missing.length > 0 && missing.every((name) => used.has(name))) {
        for (const name of missing) dropped.add(name);
        problems.push({
          code: 'platform.scope_missing',
          kind: 'scope',
          message: `the API key has no scope for ${missing.join(', ')}: these fields stay empty`,
        });
        ({ envelope } = await ask(operation, variables));
      }
      const errors = envelope.errors ?? [];
      if (errors.length > 0 && !hasData(envelope.data)) throw graphqlFailure(errors);
      problems.push(...errors.map(graphqlProblem));
      const data = operation.data.safeParse(envelope.data ?? {});
      if (!data.success) {
        throw new AppError(
          'platform.answer_invalid',
          `unexpected shape of ${operation.name}: ${z.prettifyError(data.error)}`,
        );
      }
      return { data: data.data, problems };
    },
  };
}
