/**
 * Cuts records out of a response's bytes. A record is a slice of what the API
 * sent, never a value that was parsed and printed: JavaScript would change
 * 12345678901234567890, 1.0, 1E+400, -0.0, duplicate keys and lone surrogates.
 * Parsing serves to read ids and totals and to prove that the JSON is whole.
 */
import { ProtocolError } from "../core/errors.ts";
import {
  JsonOutline,
  MOST_WHOLE_BYTES,
  SLICE_BYTES,
} from "../core/text/json_outline.ts";
import { decodeUtf8 } from "../core/text/utf8.ts";

/** One record: its bytes on one line, and what was read from its value. */
export interface RawRecord<T> {
  readonly bytes: Uint8Array;
  readonly info: T;
}

/** A list's records, and the members of the object that held them. */
export interface SlicedRecords<T> {
  readonly records: readonly RawRecord<T>[];
  readonly envelope: Readonly<Record<string, unknown>>;
}

/**
 * Reads what is needed from a record's parsed value, in which very long strings and
 * arrays are left out; throws when it is not there.
 */
export type ReadInfo<T> = (value: unknown) => T;

/**
 * A string is searched byte by byte up to here, then by the faster native
 * search.
 */
const NEAR_BYTES = 32;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * Cuts an object such as `{"records": […], "total": 3}` into its records.
 *
 * @param body The whole response.
 * @param key The member that holds the records.
 * @param read Reads what the caller needs from each record's value.
 * @returns The records in order, and the other members parsed.
 * @throws {ProtocolError} If it is not JSON, or not of that shape.
 */
export function sliceRecords<T>(
  body: Uint8Array,
  key: string,
  read: ReadInfo<T>,
): SlicedRecords<T> {
  const envelope: Record<string, unknown> = {};
  const found: RawRecord<T>[][] = [];
  const braces = [OPEN_BRACE, CLOSE_BRACE] as const;
  const end = forEachItem(body, startOf(body), braces, (at) => {
    const name = takeValue(body, at);
    if (typeof name.value !== "string") throw broken("a member has no name");
    const colon = skipSpace(body, name.end);
    const from = skipSpace(body, expect(body, colon, COLON));
    if (name.value === key) {
      if (found.length > 0) throw broken(`"${key}" is there twice`);
      const { records, end } = cutElements(body, from, read);
      found.push(records);
      return end;
    }
    const { value, end } = takeValue(body, from);
    Object.defineProperty(envelope, name.value, {
      value,
      enumerable: true,
      configurable: true,
    });
    return end;
  });
  expectEnd(body, end);
  const [records] = found;
  if (records === undefined) throw broken(`"${key}" is missing`);
  return { records, envelope };
}

/**
 * Cuts a bare JSON array into its elements.
 *
 * @param body The whole response.
 * @param read Reads what the caller needs from each element's value.
 * @returns The elements in order.
 * @throws {ProtocolError} If it is not a JSON array.
 */
export function sliceArray<T>(
  body: Uint8Array,
  read: ReadInfo<T>,
): readonly RawRecord<T>[] {
  const { records, end } = cutElements(body, startOf(body), read);
  expectEnd(body, end);
  return records;
}

/**
 * Takes a whole response as one record.
 *
 * @param body The whole response.
 * @param read Reads what the caller needs from its value.
 * @returns The record.
 * @throws {ProtocolError} If it is not JSON.
 */
export function sliceDocument<T>(
  body: Uint8Array,
  read: ReadInfo<T>,
): RawRecord<T> {
  const { value, bytes, end } = takeValue(body, startOf(body));
  expectEnd(body, end);
  return { bytes, info: read(value) };
}

function cutElements<T>(
  body: Uint8Array,
  start: number,
  read: ReadInfo<T>,
): { records: RawRecord<T>[]; end: number } {
  const records: RawRecord<T>[] = [];
  const brackets = [OPEN_BRACKET, CLOSE_BRACKET] as const;
  const end = forEachItem(body, start, brackets, (at) => {
    const { value, bytes, end } = takeValue(body, at);
    records.push({ bytes, info: read(value) });
    return end;
  });
  return { records, end };
}

/**
 * Goes through what stands between two brackets, with commas between.
 *
 * @param take Gets the index of an item, and returns the one behind it.
 * @returns The index behind the closing bracket.
 */
function forEachItem(
  body: Uint8Array,
  start: number,
  [open, close]: readonly [open: number, close: number],
  take: (at: number) => number,
): number {
  let at = skipSpace(body, expect(body, start, open));
  if (body[at] === close) return at + 1;
  while (true) {
    at = skipSpace(body, take(at));
    if (body[at] !== COMMA) return expect(body, at, close);
    at = skipSpace(body, at + 1);
  }
}

/** Takes the JSON value that starts at `at`: parsed, and as bytes on one line. */
function takeValue(
  body: Uint8Array,
  at: number,
): { value: unknown; bytes: Uint8Array; end: number } {
  let hasLong = false;
  let hasLineBreak = false;
  let depth = 0;
  let end = at;
  do {
    const byte = body[end];
    if (byte === QUOTE) {
      const from = end;
      end = endOfString(body, end);
      // Parsed as a whole, it would take twice its size in memory.
      if (end - from > SLICE_BYTES) hasLong = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      end++;
    } else if (depth === 0) {
      end = endOfScalar(body, end);
    } else {
      if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
      else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        hasLineBreak = true;
      }
      end++;
    }
  } while (depth > 0 && end < body.length);
  if (depth > 0) throw broken("it ends too early");
  const bytes = body.subarray(at, end);
  const value = parse(bytes, hasLong);
  return { value, bytes: hasLineBreak ? onOneLine(bytes) : bytes, end };
}

function endOfString(body: Uint8Array, at: number): number {
  const near = Math.min(body.length, at + NEAR_BYTES);
  let i = at + 1;
  for (; i < near; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  // Long strings are the bulk of Logs.
  while (true) {
    const quote = body.indexOf(QUOTE, i);
    if (quote === -1) throw broken("it ends inside a string");
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    i = quote + 1;
  }
}

function endOfScalar(body: Uint8Array, at: number): number {
  let end = at;
  while (end < body.length && !endsScalar(body[end]!)) end++;
  if (end > at) return end;
  throw broken(at < body.length ? "a value is missing" : "it ends too early");
}

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET ||
    byte === COLON || isSpace(byte);
}

/** Checks whether a byte is white space between tokens. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Returns the first index from `at` on that is not white space. */
function skipSpace(body: Uint8Array, at: number): number {
  while (isSpace(body[at])) at++;
  return at;
}

/** Returns the index of the first token, behind a byte order mark. */
function startOf(body: Uint8Array): number {
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return skipSpace(body, hasMark ? 3 : 0);
}

/** Returns the index behind `byte`, which must be at `at`. */
function expect(body: Uint8Array, at: number, byte: number): number {
  if (body[at] === byte) return at + 1;
  if (at >= body.length) throw broken("it ends too early");
  throw broken(`"${String.fromCharCode(byte)}" was expected`);
}

/** Makes sure that nothing but white space follows. */
function expectEnd(body: Uint8Array, at: number): void {
  if (skipSpace(body, at) < body.length) {
    throw broken("something follows its end");
  }
}

/** Parses JSON; of a large value only its outline. */
function parse(bytes: Uint8Array, hasLong: boolean): unknown {
  try {
    const isWhole = !hasLong && bytes.length <= MOST_WHOLE_BYTES;
    return JSON.parse(isWhole ? decodeUtf8(bytes) : outlineOf(bytes));
  } catch (cause) {
    const isSyntax = cause instanceof SyntaxError;
    throw broken(`it is not valid ${isSyntax ? "JSON" : "UTF-8"}`, cause);
  }
}

function outlineOf(bytes: Uint8Array): string {
  const outline = new JsonOutline();
  outline.add(bytes);
  return outline.end();
}

/** Makes the error for an answer that cannot be read. */
function broken(why: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`the answer cannot be read: ${why}`, { cause });
}

/**
 * Puts a record on one line by removing all white space between its tokens, the
 * only place where a line break can be.
 */
function onOneLine(bytes: Uint8Array): Uint8Array {
  const line = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length;) {
    const end = bytes[i] === QUOTE ? endOfString(bytes, i) : i + 1;
    if (!isSpace(bytes[i])) {
      line.set(bytes.subarray(i, end), length);
      length += end - i;
    }
    i = end;
  }
  return line.slice(0, length);
}
