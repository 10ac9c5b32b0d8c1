/**
 * Cuts records out of a response's bytes. A record is a slice of what the API
 * sent, never a value printed again: JavaScript would change
 * 12345678901234567890, 1.0, 1E+400, -0.0, duplicate keys and lone surrogates.
 * Parsing serves to read ids and totals and to prove that the JSON is whole.
 */
import { ProtocolError } from "../errors.ts";

/** One record: its bytes on one line, and what was read from its value. */
export interface RawRecord<T> {
  readonly bytes: Uint8Array;
  readonly info: T;
}

/** A list's records, and the members of the object that held them. */
export interface CutList<T> {
  readonly records: readonly RawRecord<T>[];
  readonly envelope: Readonly<Record<string, unknown>>;
}

/** Reads what is needed from a record's parsed value; throws when it is not there. */
export type ReadInfo<T> = (value: unknown) => T;

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
export function cutList<T>(
  body: Uint8Array,
  key: string,
  read: ReadInfo<T>,
): CutList<T> {
  const envelope: Record<string, unknown> = {};
  let records: RawRecord<T>[] | undefined;
  let at = skipSpace(body, startOf(body));
  at = expect(body, at, OPEN_BRACE, "an object");
  at = skipSpace(body, at);
  if (body[at] !== CLOSE_BRACE) {
    while (true) {
      const nameEnd = endOfValue(body, at);
      const name = parseText(body.subarray(at, nameEnd));
      if (typeof name !== "string") throw broken("a member has no name");
      at = expect(body, skipSpace(body, nameEnd), COLON, "a colon");
      at = skipSpace(body, at);
      if (name === key) {
        if (records !== undefined) throw broken(`"${key}" stands twice`);
        const cut = cutElements(body, at, read, `"${key}"`);
        records = cut.records;
        at = cut.end;
      } else {
        const end = endOfValue(body, at);
        Object.defineProperty(envelope, name, {
          value: parseText(body.subarray(at, end)),
          enumerable: true,
          configurable: true,
        });
        at = end;
      }
      at = skipSpace(body, at);
      if (body[at] !== COMMA) break;
      at = skipSpace(body, at + 1);
    }
  }
  at = expect(body, at, CLOSE_BRACE, "the end of the object");
  expectEnd(body, at);
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
export function cutArray<T>(
  body: Uint8Array,
  read: ReadInfo<T>,
): readonly RawRecord<T>[] {
  const at = skipSpace(body, startOf(body));
  const { records, end } = cutElements(body, at, read, "the answer");
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
export function cutDocument<T>(
  body: Uint8Array,
  read: ReadInfo<T>,
): RawRecord<T> {
  let end = body.length;
  while (end > 0 && isSpace(body[end - 1])) end--;
  return cutRecord(body.subarray(skipSpace(body, startOf(body)), end), read);
}

function cutElements<T>(
  body: Uint8Array,
  start: number,
  read: ReadInfo<T>,
  what: string,
): { records: RawRecord<T>[]; end: number } {
  const records: RawRecord<T>[] = [];
  if (body[start] !== OPEN_BRACKET) {
    throw broken(`${what} must be an array`);
  }
  let at = skipSpace(body, start + 1);
  if (body[at] === CLOSE_BRACKET) return { records, end: at + 1 };
  while (true) {
    const end = endOfValue(body, at);
    records.push(cutRecord(body.subarray(at, end), read));
    at = skipSpace(body, end);
    if (body[at] !== COMMA) break;
    at = skipSpace(body, at + 1);
  }
  return { records, end: expect(body, at, CLOSE_BRACKET, "a comma") };
}

function cutRecord<T>(bytes: Uint8Array, read: ReadInfo<T>): RawRecord<T> {
  const info = read(parseText(bytes));
  return { bytes: onOneLine(bytes), info };
}

/**
 * Puts a record on one line. Bytes without a line break come back untouched; a
 * line break in valid JSON stands between tokens only, and such a
 * pretty-printed record loses all white space between its tokens.
 */
function onOneLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes;
  const line = new Uint8Array(bytes.length);
  let length = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inString) {
      line[length++] = byte;
      if (byte === BACKSLASH) line[length++] = bytes[++i]!;
      else if (byte === QUOTE) inString = false;
    } else if (!isSpace(byte)) {
      line[length++] = byte;
      inString = byte === QUOTE;
    }
  }
  return line.slice(0, length);
}

/** Where the JSON value that starts at `at` ends; its inside is not judged here. */
function endOfValue(body: Uint8Array, at: number): number {
  const first = body[at];
  if (first === QUOTE) return endOfString(body, at);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    return endOfScalar(body, at);
  }
  let depth = 0;
  const length = body.length;
  for (let i = at; i < length; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) {
      i = endOfString(body, i) - 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (--depth === 0) return i + 1;
    }
  }
  throw broken("it ends too early");
}

function endOfString(body: Uint8Array, at: number): number {
  const length = body.length;
  for (let i = at + 1; i < length; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  throw broken("it ends inside a string");
}

function endOfScalar(body: Uint8Array, at: number): number {
  let end = at;
  while (end < body.length && !endsScalar(body[end]!)) end++;
  if (end === at) {
    throw broken(
      at >= body.length ? "it ends too early" : "a value is missing",
    );
  }
  return end;
}

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET ||
    byte === COLON || isSpace(byte);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(body: Uint8Array, at: number): number {
  while (isSpace(body[at])) at++;
  return at;
}

/** Skips a byte order mark. */
function startOf(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

function expect(
  body: Uint8Array,
  at: number,
  byte: number,
  what: string,
): number {
  if (body[at] === byte) return at + 1;
  throw broken(
    at >= body.length ? "it ends too early" : `${what} was expected`,
  );
}

function expectEnd(body: Uint8Array, at: number): void {
  if (skipSpace(body, at) < body.length) {
    throw broken("something follows its end");
  }
}

function parseText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw broken(
      cause instanceof SyntaxError
        ? "it is not valid JSON"
        : "it is not valid UTF-8",
      cause,
    );
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function broken(why: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`the answer cannot be read: ${why}`, { cause });
}
