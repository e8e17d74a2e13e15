// One operation of the HTTP API as data: the server mounts it, the OpenAPI document and the typed client are made of it.
// Nothing here knows how it is answered.

import type { z } from 'zod';
import type { Scope } from '../../core/scopes.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/**
 * What an operation shows or changes. `tenant`: rows of users, so a user's own token gets those of its user; `installation`:
 * something of everybody's, refused to such tokens.
 */
export type Reach = 'tenant' | 'installation';

/** `events`: server-sent events, the data of each being an `answer`; `json`: one document; `csv`: a file, `answer` being its text. */
export type AnswerForm = 'json' | 'events' | 'csv';

export interface Operation<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
  Form extends AnswerForm = AnswerForm,
> {
  readonly method: Method;
  /** With parameters in braces: `/v1/users/{userId}`. */
  readonly path: string;
  /** What a token must be allowed to. */
  readonly scope: Scope;
  readonly reach: Reach;
  /** One sentence for the documentation. */
  readonly summary: string;
  readonly tag: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** 204 has no body: its schema is `z.undefined()`. */
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: Answer;
  readonly form: Form;
  /** Honours `Idempotency-Key`: the first answer again for the same request, 409 for another one. */
  readonly idempotent: boolean;
  /** Of the body, in bytes. */
  readonly bodyLimit: number;
}

export type ParamsOf<O extends Operation> = z.output<O['params']>;
export type QueryOf<O extends Operation> = z.output<O['query']>;
export type BodyOf<O extends Operation> = z.output<O['body']>;
/** As a handler gives it, before the schema has read it. */
export type AnswerOf<O extends Operation> = z.input<O['answer']>;
