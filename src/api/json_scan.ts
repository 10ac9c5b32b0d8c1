/**
 * Finds where JSON values begin and end in bytes, without judging what is
 * inside: its caller parses each value and so proves it.
 */
import { ProtocolError } from "../core/errors.ts";
import { decodeUtf8 } from "../core/utf8.ts";

/** Up to here a string is looked at byte by byte. */
const NEAR_BYTES = 32;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const COLON = 0x3a;

/** Finds the end of the JSON value that starts at `at`; its inside is not judged here. */
export function endOfValue(body: Uint8Array, at: number): number {
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
  const near = Math.min(body.length, at + NEAR_BYTES);
  let i = at + 1;
  for (; i < near; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  // Long strings are the bulk of Logs, and the native search is faster.
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

/** Checks whether a byte is white space between tokens. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Gives the first index from `at` on that is no white space. */
export function skipSpace(body: Uint8Array, at: number): number {
  while (isSpace(body[at])) at++;
  return at;
}

/** Skips a byte order mark. */
export function startOf(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

/** Gives the index behind `byte`, which must be at `at`. */
export function expect(
  body: Uint8Array,
  at: number,
  byte: number,
  expected: string,
): number {
  if (body[at] === byte) return at + 1;
  throw broken(
    at >= body.length ? "it ends too early" : `${expected} was expected`,
  );
}

/** Makes sure that nothing but white space follows. */
export function expectEnd(body: Uint8Array, at: number): void {
  if (skipSpace(body, at) < body.length) {
    throw broken("something follows its end");
  }
}

/** Parses JSON. */
export function parseText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw broken(
      cause instanceof SyntaxError
        ? "it is not valid JSON"
        : "it is not valid UTF-8",
      cause,
    );
  }
}

/** Makes the error for an answer that cannot be read. */
export function broken(why: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`the answer cannot be read: ${why}`, { cause });
}

/**
 * Puts a record on one line. Bytes without a line break come back untouched; a
 * line break in valid JSON is between tokens only, and such a
 * pretty-printed record loses all white space between its tokens.
 */
export function onOneLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes;
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
