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
 * @returns It, which may be the same object with other numbers.
 */
export function withExactNumbers(json: string, value: unknown): unknown {
  const { spellings, isOdd, isUnique } = spellingsIn(json);
  if (!isOdd) return value;
  // Parsing with a reviver takes several times as long.
  if (isUnique) return respelled(value, spellings);
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

/** How numbers are spelled, by what {@linkcode keyOf} makes of them. */
type Spellings = ReadonlyMap<unknown, string>;

/**
 * Finds how the numbers of a JSON text are spelled, and what looks like a number
 * in its strings: whether one would be printed in another spelling, and whether
 * each has one spelling only.
 */
function spellingsIn(json: string) {
  const spellings = new Map<unknown, string>();
  let isOdd = false;
  let isUnique = true;
  for (const [, text] of `:${json}`.matchAll(NUMBERS)) {
    const number = Number(text);
    const key = keyOf(number);
    const known = spellings.get(key);
    isOdd ||= String(number) !== text;
    isUnique &&= known === undefined || known === text;
    if (known === undefined) spellings.set(key, text!);
  }
  return { spellings, isOdd, isUnique };
}

/** Tells -0 from 0, which a map does not. */
function keyOf(number: number): unknown {
  return Object.is(number, -0) ? "-0" : number;
}

/** Replaces the numbers in a value, as deep as they are. */
function respelled(value: unknown, spellings: Spellings): unknown {
  if (typeof value === "number") {
    const text = spellings.get(keyOf(value));
    return text === undefined || String(value) === text ? value : rawJson(text);
  }
  if (typeof value !== "object" || value === null) return value;
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const member = members[name];
    const isPlain = typeof member !== "number" && typeof member !== "object";
    if (!isPlain) members[name] = respelled(member, spellings);
  }
  return members;
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
