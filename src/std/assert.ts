/**
 * Gives types to `@std/assert` (CONTRIBUTING, "Dependencies"): the functions
 * used, with their standard signatures.
 */
import { assert as assertJs } from "deno-std/assert/assert.js";
import { assertEquals as equalsJs } from "deno-std/assert/equals.js";
import { assertRejects as rejectsJs } from "deno-std/assert/rejects.js";
import { assertStringIncludes as stringIncludesJs } from "deno-std/assert/string_includes.js";
import { assertThrows as throwsJs } from "deno-std/assert/throws.js";

/** A class of errors, whatever its constructor takes. */
type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

export const assert: (expr: unknown, msg?: string) => asserts expr = assertJs;

export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void =
  equalsJs;

export const assertStringIncludes: (
  actual: string,
  expected: string,
  msg?: string,
) => void = stringIncludesJs;

export const assertRejects: <E extends Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
) => Promise<E> = rejectsJs;

export const assertThrows: <E extends Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
) => E = throwsJs;
