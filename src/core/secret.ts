// A value that must not be seen. Printing, logging, serialising or concatenating it gives a placeholder; only
// `reveal` gives the value, so every use of a secret can be found by searching for that word.

import { inspect } from 'node:util';

const PLACEHOLDER = '[secret]';
const values = new WeakMap<object, unknown>();

export class Secret<T = string> {
  /** Marks the type, so that `Secret<string>` and `Secret<Uint8Array>` do not mix. Always undefined. */
  declare readonly valueType?: T;

  constructor(value: T) {
    values.set(this, value);
    Object.freeze(this);
  }

  /** The value itself. Call it at the last possible moment and keep the result in no variable that lives on. */
  reveal(): T {
    return values.get(this) as T;
  }

  toString(): string {
    return PLACEHOLDER;
  }

  toJSON(): string {
    return PLACEHOLDER;
  }

  [Symbol.toPrimitive](): string {
    return PLACEHOLDER;
  }

  [inspect.custom](): string {
    return PLACEHOLDER;
  }
}
