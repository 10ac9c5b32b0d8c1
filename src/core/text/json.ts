/** Checks kinds of JSON values, and parses JSON for people. */

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
 * @returns The value; `undefined` where it is no JSON.
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
 * Finds numbers by what is around every one of them (the first `:` is for JSON that
 * is a number), which is not around those that a time of day consists of.
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
 * Makes a number that keeps its own spelling; part of the language, not yet of
 * its types.
 */
function rawJson(source: string): unknown {
  const { rawJSON } = JSON as typeof JSON & {
    readonly rawJSON: (text: string) => unknown;
  };
  return rawJSON(source);
}
