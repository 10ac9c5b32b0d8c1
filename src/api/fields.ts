/**
 * Reads parsed JSON whose shape is not certain. Each function names the
 * field on failure. Absent and `null` are the same thing, as the API treats
 * them.
 */
import { ProtocolError } from "../core/errors.ts";
import { isObject } from "../core/text/json.ts";

/** Reads a value as an object. */
export function asObject(
  value: unknown,
  name: string,
): Record<string, unknown> {
  if (isObject(value)) return value;
  throw new ProtocolError(`${name} must be an object: it is ${kindOf(value)}`);
}

/** Reads a member as a string. */
export function stringField(value: unknown, name: string): string {
  const field = asObject(value, "a record")[name];
  if (typeof field === "string") return field;
  throw new ProtocolError(
    `"${name}" of a record must be a string: it is ${kindOf(field)}`,
  );
}

/** Reads a member as a string, `null` where it is absent or something else. */
export function optionalString(value: unknown, name: string): string | null {
  const field = asObject(value, "a record")[name];
  return typeof field === "string" ? field : null;
}

/** Reads a member as a count: a whole number from 0. */
export function countField(value: unknown, name: string): number {
  const field = asObject(value, "the answer")[name];
  if (Number.isSafeInteger(field) && (field as number) >= 0) {
    return field as number;
  }
  throw new ProtocolError(
    `"${name}" of the answer must be a count: it is ${kindOf(field)}`,
  );
}

function kindOf(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
