// One call of the Bot API. The token stands in the address, where the http client puts it in at the socket: nothing here ever
// holds an address with it.

import { z } from 'zod';
import { DAY_MS, SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpResponse, Verdict } from '../../http/http-client.ts';
import type { BucketCharge } from '../../limits/governor.ts';
import type { ReadContext } from '../contract/stream.ts';
import { parseExactJson } from '../toolkit/exact-json.ts';
import { count, idText } from '../toolkit/scalars.ts';
import { botIdOf, type TelegramCredential } from './credential.ts';
import { failureOf, strangerAnswer } from './errors.ts';
import { restingOf } from './limits.ts';
import type { TelegramSettings } from './settings.ts';

export type Context = ReadContext<TelegramCredential, TelegramSettings>;

export interface Call {
  readonly method: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly charges?: readonly BucketCharge[];
  /** Default 3; 1 for what must not be repeated. */
  readonly attempts?: number;
  readonly timeoutMs?: number;
  /** Whether the method writes to a chat. */
  readonly isSend?: boolean;
}

const DEFAULT_TIMEOUT_MS = 30 * SECOND_MS;
/** A batch is cut at about 4 MiB by the platform; a single answer is much smaller. */
const MAX_BYTES = 16 * 1024 * 1024;
/** A refusal that does not say for how long. */
const UNTOLD_MS = 5 * SECOND_MS;

const answerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    error_code: z.number().optional(),
    description: z.string().default(''),
    parameters: z.object({ migrate_to_chat_id: idText.optional(), retry_after: count.optional() }).optional(),
  }),
]);

/**
 * The result as `schema` reads it, from exact JSON. Throws `platform.*`, `receive.*`, `message.*` (errors.ts), `http.*`,
 * `credential.*`.
 */
export async function callApi<Result>(context: Context, call: Call, schema: z.ZodType<Result>): Promise<Result> {
  const { method, parameters = {}, charges = [], attempts = 3, timeoutMs = DEFAULT_TIMEOUT_MS, isSend = false } = call;
  const { bot_token: token } = (await context.credential.current()).reveal();
  const { status, text } = await context.http.request(
    {
      method: 'POST',
      url: `https://api.telegram.org/bot$token/${method}`,
      urlSecrets: { token: new Secret(token) },
      body: { type: 'json', value: parameters },
      charges,
      attempts,
      timeoutMs,
      maxBytes: MAX_BYTES,
      verdict: (response, toldMs) => (response.status === 429 ? slowDown(call, response, toldMs) : undefined),
    },
    context.signal,
  );
  const answer = answerSchema.safeParse(jsonOf(text));
  if (!answer.success) throw strangerAnswer(method, status, text.length);
  if (!answer.data.ok) {
    const { error_code: code = status, description: words, parameters: about } = answer.data;
    throw failureOf({ method, status: code, words, migrateTo: about?.migrate_to_chat_id ?? null, isSend });
  }
  const result = schema.safeParse(answer.data.result);
  if (result.success) return result.data;
  const message = `unexpected result of ${method}: ${z.prettifyError(result.error).slice(0, 500)}`;
  throw new AppError('platform.answer_invalid', message, { details: { method } });
}

/** The server says in a header and in the body how long to wait; what stands in front of it, in one of both or not at all. */
function slowDown({ method, charges = [] }: Call, { text }: HttpResponse, toldMs: number | undefined): Verdict {
  const answer = answerSchema.safeParse(jsonOf(text)).data;
  const seconds = answer?.ok === false ? answer.parameters?.retry_after : undefined;
  const bodyMs = seconds === undefined ? UNTOLD_MS : Math.min(Math.max(seconds, 1) * SECOND_MS, DAY_MS);
  const retryAfterMs = toldMs ?? bodyMs;
  const error = new AppError('platform.rate_limited', `${method} asks to slow down: wait ${retryAfterMs} ms`, {
    details: { method, status: 429 },
    retryAfterMs,
  });
  return { kind: 'slow_down', error, charges: restingOf(charges) };
}

/** The bot that the credential opens. */
export async function botId({ credential }: Context): Promise<string> {
  return botIdOf((await credential.current()).reveal());
}

function jsonOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
