/**
 * Validates a large JSON value in parts, and keeps only its short strings and
 * arrays: a value of hundreds of megabytes is never in memory as a whole,
 * neither as text nor parsed.
 */
import { concat } from "./bytes.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A value of more bytes is better read by its outline. */
export const MOST_WHOLE_BYTES = 1024 * 1024;
/**
 * A longer string or array is validated in slices of this size, and left out.
 */
export const SLICE_BYTES = 32 * 1024;
const ESCAPE_BYTES = 2;
/** As `\\u00e9`. */
const LONG_ESCAPE_BYTES = 6;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Text that is not validated yet: of the value, or of an array within it. */
interface Level {
  text: string;
  /** How many objects are open in it. */
  depth: number;
  /** Whether elements before the text were validated and left out. */
  isCut: boolean;
}

/**
 * Makes the outline of a JSON value: the same JSON, except that very long
 * strings are empty and very long arrays are `true`, which cannot be mistaken
 * for an array. The outline of what is not JSON is not JSON either.
 */
export class JsonOutline {
  readonly #sliceBytes: number;
  readonly #levels: Level[] = [newLevel()];
  /** The beginning of a string whose end has not arrived. */
  #open: Uint8Array = new Uint8Array();
  /** Whether its beginning was validated and left out. */
  #isLong = false;
  /** Whether something was not JSON, so that nothing more needs validating. */
  #isBroken = false;

  /**
   * @param sliceBytes A longer string or array is validated in slices of this
   * size.
   */
  constructor(sliceBytes = SLICE_BYTES) {
    this.#sliceBytes = sliceBytes;
  }

  /**
   * Adds bytes of the value. They may end anywhere, and are not kept.
   *
   * @throws {TypeError} When they are not valid UTF-8.
   */
  add(part: Uint8Array): void {
    const bytes = this.#open.length === 0 ? part : concat([this.#open, part]);
    this.#open = new Uint8Array();
    // Where the text begins that is not in the outline yet.
    let from = 0;
    const take = (to: number) => {
      this.#top.text += decodeUtf8(bytes.subarray(from, to));
      from = to;
    };
    for (let i = 0; i < bytes.length;) {
      const byte = bytes[i];
      if (this.#isLong || byte === QUOTE) {
        const begin = this.#isLong ? 0 : i + 1;
        const end = endOfInside(bytes, begin);
        const isLong = this.#isLong ||
          (end ?? bytes.length) - begin > this.#sliceBytes;
        if (isLong) {
          if (!this.#isLong) take(begin);
          from = this.#validate(bytes, begin, end);
          this.#isLong = end === null;
        }
        if (end === null) {
          if (!isLong) take(i);
          this.#open = bytes.slice(from);
          return;
        }
        i = end + 1;
        continue;
      }
      i++;
      if (byte === OPEN_BRACKET) {
        take(i - 1);
        this.#levels.push(newLevel());
        from = i;
      } else if (byte === CLOSE_BRACKET && this.#levels.length > 1) {
        take(i - 1);
        this.#closeArray();
        from = i;
      } else if (byte === OPEN_BRACE) this.#top.depth++;
      else if (byte === CLOSE_BRACE) this.#top.depth--;
      else if (byte === COMMA && this.#isFull(i - from)) {
        take(i - 1);
        if (this.#cut()) from = i;
      }
    }
    take(bytes.length);
  }

  /**
   * Ends the value.
   *
   * @returns The outline.
   * @throws {TypeError} When the value is not valid UTF-8.
   */
  end(): string {
    this.#top.text += decodeUtf8(this.#open);
    return this.#levels.map(({ text }) => text).join("[");
  }

  get #top(): Level {
    return this.#levels.at(-1)!;
  }

  /**
   * Checks whether an array is so long that its beginning is validated by
   * itself.
   */
  #isFull(moreBytes: number): boolean {
    const { text, depth } = this.#top;
    return this.#levels.length > 1 && depth === 0 && !this.#isBroken &&
      text.length + moreBytes > this.#sliceBytes;
  }

  /**
   * Validates the elements that have arrived, and leaves them out if they are
   * JSON.
   */
  #cut(): boolean {
    const level = this.#top;
    this.#isBroken = !areElements(level.text);
    if (this.#isBroken) return false;
    level.text = "";
    level.isCut = true;
    return true;
  }

  #closeArray(): void {
    const { isCut, text } = this.#levels.pop()!;
    // A comma followed the elements that were left out; alone it is not JSON.
    const rest = isCut ? `,${text}` : text;
    this.#top.text += isCut && areElements(text) ? "true" : `[${rest}]`;
  }

  /**
   * Validates the inside of a string in slices that break neither an escape nor
   * a character; what is not valid stays in the text.
   *
   * @returns Where the part begins that is not validated yet.
   */
  #validate(bytes: Uint8Array, begin: number, end: number | null): number {
    const all = end ?? bytes.length;
    for (let from = begin; from < all;) {
      let to = Math.min(all, from + this.#sliceBytes);
      while (to < all && !canBeCut(bytes, from, to)) to++;
      if (to === all && end === null) return from;
      const slice = decodeUtf8(bytes.subarray(from, to));
      if (!isJson(`"${slice}"`)) this.#top.text += slice;
      from = to;
    }
    return all;
  }
}

function newLevel(): Level {
  return { text: "", depth: 0, isCut: false };
}

/** Finds the quote that ends a string; `null` if it has not arrived. */
function endOfInside(bytes: Uint8Array, begin: number): number | null {
  for (let i = begin;;) {
    const quote = bytes.indexOf(QUOTE, i);
    if (quote === -1) return null;
    if ((quote - startOfRun(bytes, begin, quote)) % 2 === 0) return quote;
    i = quote + 1;
  }
}

/** Checks whether neither an escape nor a character reaches across an index. */
function canBeCut(bytes: Uint8Array, from: number, at: number): boolean {
  if ((bytes[at]! & 0xc0) === 0x80) return false;
  const first = Math.max(from, at - LONG_ESCAPE_BYTES + 1);
  const last = bytes.subarray(first, at).lastIndexOf(BACKSLASH);
  if (last === -1) return true;
  const escape = first + last;
  const isEscaped = (escape - startOfRun(bytes, from, escape)) % 2 === 1;
  const isLong = bytes[escape + 1] === LOWER_U;
  const length = isLong ? LONG_ESCAPE_BYTES : ESCAPE_BYTES;
  return isEscaped || at - escape >= length;
}

/** Finds the first of the backslashes that stand together before an index. */
function startOfRun(bytes: Uint8Array, from: number, at: number): number {
  let first = at;
  while (first > from && bytes[first - 1] === BACKSLASH) first--;
  return first;
}

function areElements(text: string): boolean {
  return text.trim() !== "" && isJson(`[${text}]`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
