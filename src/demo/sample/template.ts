/**
 * Fills templates, which are JSON:
 *
 *     "${expression}"                          its value; within a longer text, as text
 *     "=1.0"                                   JSON that is sent as it is spelled here
 *     {"...": a, "b": x}                       the members of a, and b
 * {"$if": a, "then": x, "else": y} x or y; null without y
 *     {"$repeat": n, "as": "i", "of": x}       a list: x for each i from 0, or of a list
 *     {"$sequence": n, "as": "i", "of": x}     the same as JSON, each made once, when asked for
 * {"$with": {"i": x}, "in": a, "get": y} y, where i is x; with a, in that scope
 *     {"$json": x}                             x as JSON, in a text
 */
import { sequence } from "../workspace.ts";
import {
  expression,
  type Fill,
  literal,
  type Scope,
  within,
} from "./expression.ts";

type Members = Readonly<Record<string, unknown>>;

/** JSON that is sent exactly as it is spelled. */
class Spelled {
  constructor(readonly text: string) {}
}

/** The operations: templates whose first name begins with `$`. */
type Parts = Readonly<
  Record<
    | ("$if" | "then" | "else" | "$repeat" | "$sequence" | "as" | "of")
    | ("$with" | "in" | "get" | "$json"),
    Fill
  >
>;

const OPERATIONS: Readonly<Record<string, (parts: Parts) => Fill>> = {
  $if: ({ $if, then, else: other }) => (scope) =>
    $if(scope) ? then(scope) : other?.(scope) ?? null,
  $repeat: ({ $repeat, as, of }) => (scope) => {
    const items = $repeat(scope);
    return Array.from(
      typeof items === "number" ? Array(items).keys() : items as unknown[],
      (item) => of(within(scope, { [String(as(scope))]: item })),
    );
  },
  $sequence: ({ $sequence, as, of }) => (scope) => {
    const made: string[] = [];
    return sequence(
      Number($sequence(scope)),
      (i) => made[i] ??= toJson(of(within(scope, { [String(as(scope))]: i }))),
    );
  },
  $with: ({ $with, in: other, get }) => (scope) =>
    get(within((other?.(scope) ?? scope) as Scope, $with(scope) as Scope)),
  $json: ({ $json }) => (scope) => toJson($json(scope)),
};

/** Makes a scope in which names stand for templates. */
export function scopeOf(names: Members, around: Scope | null = null): Scope {
  return within(around, mapValues(names, prepare));
}

function prepare(template: unknown): Fill {
  if (typeof template === "string") return prepareText(template);
  if (typeof template !== "object" || template === null) {
    return literal(template);
  }
  if (Array.isArray(template)) {
    const parts = template.map(prepare);
    return (scope) => parts.map((part) => part(scope));
  }
  const { "...": base, ...parts } = mapValues(template as Members, prepare);
  const operation = OPERATIONS[Object.keys(template)[0] ?? ""];
  if (operation !== undefined) return operation(parts as Parts);
  return (scope) => mapValues(parts, (part) => part(scope), base?.(scope));
}

function prepareText(text: string): Fill {
  const spelled = (whole: string) =>
    whole.startsWith("=") ? new Spelled(whole.slice(1)) : whole;
  // Every other part is an expression.
  const parts = text.split(/\$\{(.*?)\}/);
  if (parts.length === 1) return literal(spelled(text));
  const fills = parts.map((part, i) =>
    i % 2 === 1 ? expression(part) : literal(part)
  );
  if (parts.length === 3 && parts[0] + parts[2]! === "") return fills[1]!;
  return (scope) => spelled(fills.map((fill) => fill(scope)).join(""));
}

/** Maps the members of an object, after those of a base. */
export function mapValues<T, U>(
  members: Readonly<Record<string, T>>,
  map: (value: T) => U,
  base: unknown = members,
): Record<string, U> {
  const mapped = { ...base as Record<string, U> };
  for (const [name, value] of Object.entries(members)) {
    mapped[name] = map(value);
  }
  return mapped;
}

function toJson(value: unknown): string {
  if (value instanceof Spelled) return value.text;
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value ?? null);
  }
  const members = Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}:${toJson(one)}`);
  return `{${members.join(",")}}`;
}
