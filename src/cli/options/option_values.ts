/** Reads the values of options. */
import { UsageError } from "../../core/errors.ts";
import { didYouMean } from "../../core/text/suggest.ts";

/**
 * Reads the values given for an option; `flag` is its name with two hyphens.
 */
export type ReadValue<T> = (given: readonly string[], flag: string) => T;

/** Reads a switch, which is on if it is given. */
export function isOn(): boolean {
  return true;
}

/** Reads a text. */
export function text(given: readonly string[]): string {
  return given[0]!;
}

/** Reads an option that may be repeated. */
export function texts(given: readonly string[]): readonly string[] {
  return given;
}

/** Makes the reader of one of several words. */
export function oneOf<T extends string>(words: readonly T[]): ReadValue<T> {
  return ([given], flag) => {
    const word = words.find((one) => one === given);
    if (word !== undefined) return word;
    const listed = new Intl.ListFormat("en-GB", { type: "disjunction" });
    const hint = didYouMean(given!, words);
    throw new UsageError(
      `${flag} must be ${listed.format(words)}, not ${given}${hint}`,
    );
  };
}

/** Makes the reader of an option that may be repeated, each time with one of several words. */
export function someOf<T extends string>(
  words: readonly T[],
): ReadValue<readonly T[]> {
  const read = oneOf(words);
  return (given, flag) => given.map((one) => read([one], flag));
}

/** Makes the reader of a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): ReadValue<number> {
  return ([given], flag) => {
    const value = Number(given);
    if (/^\d+$/.test(given!) && value >= least && value <= most) return value;
    throw new UsageError(
      `${flag} must be a whole number from ${least} to ${most}, not ${given}`,
    );
  };
}

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a time such as `90s`, `15m` or `2h`, in milliseconds. */
export function durationMs(given: readonly string[], flag: string): number {
  const [, number, unit = ""] = /^(\d{1,6})([smh])$/.exec(given[0]!) ?? [];
  if (number !== undefined) return Number(number) * UNITS[unit]!;
  throw new UsageError(
    `${flag} must be a time such as 90s, 15m or 2h, not ${given[0]}`,
  );
}
