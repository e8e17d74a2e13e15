// What a call throws when the server said no, or said nothing.

/** The server refused, or could not answer. Match on `code`; it is stable. */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError';
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  /** Such as `api.forbidden`, `queue.payload_invalid`; `no_answer` without an answer. */
  readonly code: string;
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
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** An answer that is no success, as the error that it stands for. */
export async function errorOf(response: Response): Promise<TidemarkError> {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  const body: unknown = await response.json().catch(() => null);
  const { code, detail } = (body ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  return new TidemarkError(
    response.status,
    typeof code === 'string' ? code : `http.${response.status}`,
    typeof detail === 'string' ? detail : `the server answered ${response.status}`,
    { retryAfterMs },
  );
}
