/**
 * Cuts records out of a response's bytes. A record is a slice of what the API
 * sent, never a value that was parsed and printed: JavaScript would change
 * 12345678901234567890, 1.0, 1E+400, -0.0, duplicate keys and lone surrogates.
 * Parsing serves to read ids and totals and to prove that the JSON is whole.
 */
import {
  broken,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  endOfValue,
  expect,
  expectEnd,
  isSpace,
  onOneLine,
  OPEN_BRACE,
  OPEN_BRACKET,
  parseText,
  skipSpace,
  startOf,
} from "./json_scan.ts";

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

/** Reads what is needed from a record's parsed value; throws when it is not there. */
export type ReadInfo<T> = (value: unknown) => T;

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
        if (records !== undefined) throw broken(`"${key}" is there twice`);
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
export function sliceArray<T>(
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
export function sliceDocument<T>(
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
  name: string,
): { records: RawRecord<T>[]; end: number } {
  const records: RawRecord<T>[] = [];
  if (body[start] !== OPEN_BRACKET) {
    throw broken(`${name} must be an array`);
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
