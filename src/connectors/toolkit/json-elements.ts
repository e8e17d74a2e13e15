// A huge JSON array, element by element, while its bytes come: only one element and one chunk are held. It looks at brackets
// and quotes only; whether an element is JSON is for its parser to say.

import { AppError } from '../../core/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSE: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Longest element, in bytes: no record is longer, and a body that is one endless string must not fill the memory. */
const MAX_ELEMENT_BYTES = 4 * 1024 * 1024;

/**
 * Texts of the elements of the array that `chunks` (UTF-8) is. Throws `http.body_invalid` when it is no array, is cut off, or
 * has an element of more than 4 MiB.
 */
export async function* jsonElements(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const splitter = new Splitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  splitter.end();
}

class Splitter {
  readonly #decoder = new TextDecoder();
  /** Bytes of the element in hand that came with earlier chunks. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** 0 before and after the array, 1 between elements and inside plain ones, more inside nested ones. */
  #depth = 0;
  #hasBegun = false;
  #isString = false;
  #isEscaped = false;

  *push(chunk: Uint8Array): Generator<string> {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#isString) {
        this.#readString(byte);
        continue;
      }
      if (this.#depth === 0) {
        this.#readOutside(byte);
        from = at + 1;
        continue;
      }
      if (byte === QUOTE) this.#isString = true;
      else if (OPEN.has(byte)) this.#depth += 1;
      else if (CLOSE.has(byte)) this.#depth -= 1;
      if (this.#depth === 0 || (this.#depth === 1 && byte === COMMA)) {
        yield* this.#take(chunk.subarray(from, at));
        from = at + 1;
      }
    }
    this.#hold(chunk.subarray(from));
  }

  end(): void {
    if (!this.#hasBegun || this.#depth > 0) throw invalid('a whole array', 'one that was cut off');
  }

  #readString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isString = false;
  }

  #readOutside(byte: number): void {
    if (SPACE.has(byte)) return;
    if (this.#hasBegun || byte !== 0x5b) throw invalid('one array', 'something else');
    this.#hasBegun = true;
    this.#depth = 1;
  }

  #hold(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_ELEMENT_BYTES) throw invalid(`elements of at most ${MAX_ELEMENT_BYTES} bytes`, 'more');
    // A copy: the chunk's memory is the socket's, and an element must not keep all of it.
    this.#held.push(part.slice());
  }

  *#take(part: Uint8Array): Generator<string> {
    const text = this.#decode(part).trim();
    // An empty array, or a comma too many, which is not ours to judge.
    if (text !== '') yield text;
  }

  #decode(part: Uint8Array): string {
    if (this.#held.length === 0) return this.#decoder.decode(part);
    const whole = Buffer.concat([...this.#held, part]);
    this.#held = [];
    this.#heldBytes = 0;
    return this.#decoder.decode(whole);
  }
}

function invalid(expected: string, got: string): AppError {
  return new AppError('http.body_invalid', `expected ${expected} of JSON, got ${got}`);
}
