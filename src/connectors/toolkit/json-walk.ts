// A JSON document of any size, value by value, while its bytes come: whoever reads says at each place whether to enter it, to
// take it whole or to pass by. Only one taken value and one chunk are held. Brackets, commas and quotes are checked
// everywhere, what lies between them is for the parser of a taken value to say.

import { AppError } from '../../core/errors.ts';

/** Names of members and indexes of elements, from the outside. */
export type JsonPath = readonly (string | number)[];

/** `enter`: its members one by one (a plain value is passed by); `take`: as one text. */
export type Step = 'enter' | 'take' | 'pass';

export type JsonPart =
  /** `endsAt`: how many bytes of the document came before its end. */
  | { readonly kind: 'value'; readonly path: JsonPath; readonly text: string; readonly endsAt: number }
  /** The end of what was entered. */
  | { readonly kind: 'end'; readonly path: JsonPath; readonly endsAt: number };

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
/** Digits, letters and the signs of numbers: `-1.5e+3`, `true`. */
const isPlain = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x2d ||
  byte === 0x2e ||
  byte === 0x2b ||
  byte === 0x45;

/** Longest taken value, in bytes: no record is longer, and a file that is one endless string must not fill the memory. */
const MAX_TAKEN_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 1_000;

type Wanted = 'value' | 'value or ]' | 'member or }' | 'member' | ':' | ', or end' | 'nothing more';

/** Throws `import.file_invalid`, with the byte at which it happened, when it is no JSON, is cut off, or a taken value is too long. */
export async function* walkJson(
  chunks: AsyncIterable<Uint8Array>,
  stepAt: (path: JsonPath) => Step,
): AsyncGenerator<JsonPart> {
  const walker = new Walker(stepAt);
  for await (const chunk of chunks) {
    let fault: unknown;
    try {
      walker.push(chunk);
    } catch (error) {
      fault = error;
    }
    // What came before the fault in its chunk is as good as what came in chunks before.
    yield* walker.takeParts();
    if (fault !== undefined) throw fault;
  }
  walker.end();
}

class Walker {
  readonly #stepAt: (path: JsonPath) => Step;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Whether each open bracket is a list's, from the outside. */
  readonly #lists: boolean[] = [];
  /** Where we are in what was entered: the outermost `#place.length` brackets are. */
  readonly #place: (string | number)[] = [];
  #wanted: Wanted = 'value';
  #isString = false;
  #isEscaped = false;
  #isPlainValue = false;
  /** How many brackets are open around the value that is taken or passed by; -1: none is. */
  #around = -1;
  /** Where the bytes that are kept begin in the chunk in hand; -1: none are. */
  #from = -1;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes of the chunks before. */
  #before = 0;
  #parts: JsonPart[] = [];

  constructor(stepAt: (path: JsonPath) => Step) {
    this.#stepAt = stepAt;
  }

  takeParts(): readonly JsonPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#isString) {
        this.#readString(byte, chunk, at);
        continue;
      }
      if (this.#isPlainValue) {
        if (isPlain(byte)) continue;
        this.#isPlainValue = false;
        this.#endValue(chunk, at);
      }
      if (!isSpace(byte)) this.#readMark(byte, chunk, at);
    }
    if (this.#from >= 0) {
      this.#hold(chunk.slice(this.#from));
      this.#from = 0;
    }
    this.#before += chunk.length;
  }

  end(): void {
    if (this.#wanted !== 'nothing more') throw this.#fault('the rest of the document', 'its end', 0);
  }

  #readString(byte: number, chunk: Uint8Array, at: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isString = false;
      if (this.#wanted === ':') this.#endName(chunk, at + 1);
      else this.#endValue(chunk, at + 1);
    }
  }

  #readMark(byte: number, chunk: Uint8Array, at: number): void {
    if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) return this.#close(byte === CLOSE_LIST, chunk, at);
    switch (this.#wanted) {
      case 'value':
      case 'value or ]':
        return this.#beginValue(byte, at);
      case 'member':
      case 'member or }':
        return this.#beginName(byte, at);
      case ':':
        if (byte !== COLON) throw this.#fault('a colon', byte, at);
        this.#wanted = 'value';
        return;
      case ', or end':
        if (byte !== COMMA) throw this.#fault('a comma or a closing bracket', byte, at);
        this.#wanted = this.#lists.at(-1) === true ? 'value' : 'member';
        return;
      case 'nothing more':
        throw this.#fault('nothing after the document', byte, at);
    }
  }

  /** Directly in something that was entered, or outermost. */
  #isTracked(): boolean {
    return this.#around < 0 && this.#lists.length === this.#place.length;
  }

  #beginValue(byte: number, at: number): void {
    if (this.#before + at < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[this.#before + at]) return;
    const opens = byte === OPEN_LIST || byte === OPEN_OBJECT;
    if (!opens && byte !== QUOTE && !isPlain(byte)) throw this.#fault('a value in UTF-8', byte, at);
    const depth = this.#lists.length;
    if (this.#isTracked()) {
      const index = this.#place.at(-1);
      if (typeof index === 'number') this.#place[depth - 1] = index + 1;
      const step = this.#stepAt([...this.#place]);
      if (step === 'enter' && opens) this.#place.push(byte === OPEN_LIST ? -1 : '');
      else this.#around = depth;
      if (step === 'take') this.#from = at;
    }
    if (opens) {
      if (depth === MAX_DEPTH) throw this.#fault(`at most ${MAX_DEPTH} brackets in one another`, byte, at);
      this.#lists.push(byte === OPEN_LIST);
      this.#wanted = byte === OPEN_LIST ? 'value or ]' : 'member or }';
      return;
    }
    if (byte === QUOTE) this.#isString = true;
    else this.#isPlainValue = true;
  }

  #beginName(byte: number, at: number): void {
    if (byte !== QUOTE) throw this.#fault('the name of a member', byte, at);
    this.#isString = true;
    this.#wanted = ':';
    if (this.#isTracked()) this.#from = at;
  }

  #endName(chunk: Uint8Array, end: number): void {
    if (!this.#isTracked()) return;
    const text = this.#take(chunk, end);
    try {
      this.#place[this.#place.length - 1] = JSON.parse(text) as string;
    } catch {
      // An escape that JSON does not know: then it is no name that anybody asks for.
      this.#place[this.#place.length - 1] = text;
    }
  }

  #endValue(chunk: Uint8Array, end: number): void {
    const depth = this.#lists.length;
    this.#wanted = depth === 0 ? 'nothing more' : ', or end';
    if (this.#around !== depth) return;
    this.#around = -1;
    if (this.#from < 0) return;
    const text = this.#take(chunk, end);
    this.#parts.push({ kind: 'value', path: [...this.#place], text, endsAt: this.#before + end });
  }

  #close(isList: boolean, chunk: Uint8Array, at: number): void {
    const isDue = this.#wanted === ', or end' || this.#wanted === (isList ? 'value or ]' : 'member or }');
    if (!isDue || this.#lists.at(-1) !== isList)
      throw this.#fault('another bracket', isList ? CLOSE_LIST : CLOSE_OBJECT, at);
    const wasEntered = this.#isTracked();
    this.#lists.pop();
    if (!wasEntered) return this.#endValue(chunk, at + 1);
    this.#place.pop();
    this.#wanted = this.#lists.length === 0 ? 'nothing more' : ', or end';
    this.#parts.push({ kind: 'end', path: [...this.#place], endsAt: this.#before + at + 1 });
  }

  /** The bytes that were kept, up to `end`, as text. */
  #take(chunk: Uint8Array, end: number): string {
    const part = chunk.subarray(this.#from, end);
    this.#from = -1;
    if (this.#held.length === 0) return this.#decoder.decode(part);
    this.#hold(part);
    const whole = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return this.#decoder.decode(whole);
  }

  #hold(part: Uint8Array): void {
    this.#held.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_TAKEN_BYTES)
      throw this.#fault(`values of at most ${MAX_TAKEN_BYTES} bytes`, 'a longer one', 0);
  }

  #fault(expected: string, got: number | string, at: number): AppError {
    const what = typeof got === 'string' ? got : `the byte 0x${got.toString(16).padStart(2, '0')}`;
    return new AppError('import.file_invalid', `byte ${this.#before + at}: expected ${expected}, got ${what}`);
  }
}
