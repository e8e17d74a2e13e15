// What a call throws when the server said no, or said nothing.

/** The server refused, or could not answer. Match on `code`; it is stable. */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  /** Such as `api.forbidden`, `queue.payload_invalid`; `no_answer` without an answer, `answer_invalid` for one that is none. */
  readonly code: string;
  /** What was expected and what came, for people. */
  readonly detail: string;
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Of `Retry-After`: seconds, or an instant as proxies like it. */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The members of a problem document; of anything else none. */
function problemOf(text: string): { readonly code?: unknown; readonly detail?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch {
    return {};
  }
}

/** An answer that is no success, as the error that it stands for. */
export async function errorOf(response: Response): Promise<TidemarkError> {
  const { code, detail } = problemOf(await response.text());
  return new TidemarkError(
    response.status,
    typeof code === 'string' ? code : `http.${response.status}`,
    typeof detail === 'string' ? detail : `the server answered ${response.status}`,
    { retryAfterMs: retryAfterOf(response) },
  );
}
