/** Checks what a JSON value is, and parses JSON that is shown to people. */

/** Checks whether a value is an object with members: no array, not `null`. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks whether a value is empty, so that it is not shown. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

/**
 * Parses JSON so that numbers keep their spelling when they are printed.
 *
 * @returns The value; `undefined` if it is not JSON.
 */
export function parseExactly(json: string): unknown {
  try {
    return withExactNumbers(json, JSON.parse(json));
  } catch {
    return undefined;
  }
}

/**
 * Lets the numbers of a value keep their spelling when they are printed.
 *
 * @param json The JSON that it was parsed from.
 */
export function withExactNumbers(json: string, value: unknown): unknown {
  if (!hasOddNumber(json)) return value;
  return JSON.parse(json, (_, value, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return rawJson(source);
  });
}

/**
 * Finds numbers by what stands around them, so that those of a time such as
 * 12:30 are not found. JSON that is only a number gets a `:` in front.
 */
const NUMBERS = /[[:,]\s*(-?\d[\d.eE+-]*)(?=[\s,\]}]|$)/g;

/** Checks whether there may be a number that would be printed in another spelling. */
function hasOddNumber(json: string): boolean {
  for (const [, number] of `:${json}`.matchAll(NUMBERS)) {
    if (String(Number(number)) !== number) return true;
  }
  return false;
}

/**
 * Makes a number that keeps its spelling. The language has the function,
 * TypeScript's types do not yet.
 */
function rawJson(source: string): unknown {
  const { rawJSON } = JSON as typeof JSON & {
    readonly rawJSON: (text: string) => unknown;
  };
  return rawJSON(source);
}
