// Refusals that a test orders: "the next two messages from this number to that person are refused with 131048".

import { GraphFailure } from './failure.ts';

export interface RefusalRule {
  readonly code: number;
  readonly subcode?: number;
  readonly details?: string;
  /** Edge of the path: `messages`, `phone_numbers`; `''` is the node itself. Absent: any. */
  readonly edge?: string;
  /** Id of an account or number. */
  readonly node?: string;
  /** `wa_id` or user id of a recipient. */
  readonly recipient?: string;
  /** Default 1; `Infinity` for ever. */
  readonly times?: number;
}

export interface RefusalSubject {
  readonly edge: string;
  readonly nodes: readonly string[];
  readonly recipients?: readonly string[];
}

export class Refusals {
  #rules: { readonly rule: RefusalRule; left: number }[] = [];

  /** Behind the others; the returned function takes it out again. */
  add(rule: RefusalRule): () => void {
    const added = { rule, left: rule.times ?? 1 };
    this.#rules.push(added);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== added);
    };
  }

  /** Throws what the first matching rule says, and counts it. */
  check({ edge, nodes, recipients }: RefusalSubject): void {
    const found = this.#rules.find(
      ({ rule, left }) =>
        left > 0 &&
        (rule.edge ?? edge) === edge &&
        (rule.node === undefined || nodes.includes(rule.node)) &&
        (rule.recipient === undefined || recipients?.includes(rule.recipient) === true),
    );
    if (found === undefined) return;
    found.left -= 1;
    const { code, subcode, details } = found.rule;
    throw new GraphFailure(code, {
      ...(subcode === undefined ? {} : { subcode }),
      ...(details === undefined ? {} : { details }),
    });
  }
}
