/**
 * Reads and writes this program's own JSON: checkpoints, `.done`, `export.json`.
 * What is read back is checked field by field, like an answer of the API.
 */
import { isObject } from "../core/text/json.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { type SumRecorder, writeFile } from "./write/atomic_file.ts";

/** Checks the value of a field, which is `undefined` if absent. */
export type Check = (value: unknown) => boolean;

/** Writes a value as JSON with an end of line. */
export async function writeJson(
  disk: Disk,
  path: string,
  value: unknown,
  sums: SumRecorder | null = null,
): Promise<void> {
  const text = JSON.stringify(value) + "\n";
  await writeFile(disk, path, new TextEncoder().encode(text), sums);
}

/** Parses what was read; `undefined` if it is nothing or not JSON. */
export function parseJson(bytes: Uint8Array | null): unknown {
  if (bytes === null) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Checks whether a value is a text. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Checks whether a value is a whole number from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Makes a check of a field that may be absent, or `null`. */
export function optional(check: Check, absent: null | undefined): Check {
  return (value) => value === absent || check(value);
}

/** Makes a check of an array. */
export function arrayOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** Makes a check of an object, by its fields; it may have others. */
export function objectOf(fields: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isObject(value) &&
    Object.entries(fields).every(([name, check]) => check(value[name]));
}
