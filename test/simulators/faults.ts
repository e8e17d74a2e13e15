// Declarative failures: "after N matching requests, spoil the next M". Rules are asked in the order they were added
// and the first that fires consumes the request; a rule that does not fire only counts. Never random.

/** What goes wrong. Kinds marked (late) happen after the platform has processed the request. */
export type Fault =
  /** An answer instead of the processing: 429, 503, 401… `body` is sent as JSON unless it is a string. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
    }
  /** The connection is reset before anything is processed. */
  | { readonly kind: 'reset' }
  /** (late) Processed, side effects kept, then the connection is reset without an answer. */
  | { readonly kind: 'reset-after-processing' }
  /** (late) Status and headers are right, the body ends in the middle of the JSON. */
  | { readonly kind: 'truncated-json' }
  /** Waits, then goes on as usual. Ends early when the simulator stops. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Waits until the promise settles, then goes on: a test decides the moment instead of a duration. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** The HTML page of a bot filter in front of the API. */
  | { readonly kind: 'html-403' }
  /** HTTP 200 with `{data, errors: [{message, extensions}]}`; `data` is null unless given. */
  | {
      readonly kind: 'graphql-error';
      readonly message: string;
      readonly extensions?: Record<string, unknown>;
      readonly data?: unknown;
    }
  /** (late) Valid JSON that is not what it should be. `garble` gets the right body and returns the wrong one. */
  | { readonly kind: 'garbage-page'; readonly garble?: (body: unknown) => unknown };

/** All given parts must hold; strings compare exactly, expressions test. An empty match hits every request. */
export interface FaultMatch {
  /** GraphQL root fields joined by `+`, or `token`. */
  readonly operation?: string | RegExp;
  /** GraphQL operation name as the client chose it. */
  readonly operationName?: string | RegExp;
  readonly path?: string | RegExp;
  readonly tenant?: string;
  readonly account?: string;
}

export interface FaultRule {
  readonly match?: FaultMatch;
  /** Matching requests that pass first. Default 0. */
  readonly after?: number;
  /** Matching requests that are hit then. Default 1; `Infinity` for ever. */
  readonly times?: number;
  readonly fault: Fault;
}

/** What a rule can be matched against. */
export interface FaultSubject {
  readonly operation?: string | undefined;
  readonly operationName?: string | undefined;
  readonly path: string;
  readonly tenant?: string | undefined;
  readonly account?: string | undefined;
}

interface ActiveRule extends FaultRule {
  seen: number;
}

/** The rules of one simulator. */
export class Faults {
  #rules: ActiveRule[] = [];

  /** Adds a rule behind the others; the returned function takes it out again. */
  add(rule: FaultRule): () => void {
    const active: ActiveRule = { ...rule, seen: 0 };
    this.#rules.push(active);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== active);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** Rules that still have a failure to give. */
  get pending(): number {
    return this.#rules.length;
  }

  /** The fault for this request, if any. Counts it, and drops a rule that is used up. */
  take(subject: FaultSubject): Fault | undefined {
    for (const rule of this.#rules) {
      if (!matchesSubject(rule.match ?? {}, subject)) continue;
      const { after = 0, times = 1 } = rule;
      rule.seen += 1;
      if (rule.seen <= after) continue;
      if (rule.seen >= after + times) this.#rules = this.#rules.filter((other) => other !== rule);
      return rule.fault;
    }
    return undefined;
  }
}

function matchesSubject(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    matchesText(match.operation, subject.operation) &&
    matchesText(match.operationName, subject.operationName) &&
    matchesText(match.path, subject.path) &&
    matchesText(match.tenant, subject.tenant) &&
    matchesText(match.account, subject.account)
  );
}

function matchesText(wanted: string | RegExp | undefined, actual: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (actual === undefined) return false;
  return typeof wanted === 'string' ? wanted === actual : wanted.test(actual);
}
