/**
 * Reads the expressions of templates: `40 + index % 60`, `users[n % 2].id`,
 * `pick(labels, index)`. They have names, numbers, texts in single quotes,
 * `null`, and the operators and functions below; `+` joins texts, too.
 */

/**
 * Values by name; the prototype is the scope around it. A function is a
 * template: it is filled for the scope that first reads it, and the value is
 * kept there.
 */
export type Scope = Record<string, unknown>;

/** Makes a value from what the names of a scope stand for. */
export type Fill = (scope: Scope) => unknown;

const TOKEN = /\s*(\d+(?:\.\d+)?|'[^']*'|\w+|==|\S)/g;

/** The precedence of each operator, and its function. */
const OPERATORS = new Map<
  string | undefined,
  readonly [number, (a: never, b: never) => unknown]
>([
  ["==", [1, (a, b) => a === b]],
  ["<", [1, (a: number, b: number) => a < b]],
  [">", [1, (a: number, b: number) => a > b]],
  ["+", [2, (a: number, b: number) => a + b]],
  ["-", [2, (a: number, b: number) => a - b]],
  ["*", [3, (a: number, b: number) => a * b]],
  ["/", [3, (a: number, b: number) => a / b]],
  ["%", [3, (a: number, b: number) => a % b]],
  [".", [4, valueOf]],
  ["[", [4, valueOf]],
]);

const FUNCTIONS: Readonly<Record<string, (a: never, b: never) => unknown>> = {
  /** The scope of a File, for one of its records. */
  at: (scope: Scope, index: number) => within(scope, { index }),
  ceil: Math.ceil,
  chance,
  directory: (path: string) => /^(?:(.*)\/)?/.exec(path)![1] ?? "",
  fixed: (value: number, digits: number) => value.toFixed(digits),
  floor: Math.floor,
  id: makeId,
  name: (path: string) => path.slice(path.lastIndexOf("/") + 1),
  pick: <T>(list: readonly T[], seed: number) =>
    list[Math.floor(chance(seed) * list.length)],
  time: timeAt,
  without: <T>(list: readonly T[], value: T) =>
    list.filter((one) => one !== value),
};

/**
 * Prepares an expression.
 *
 * @throws {SyntaxError} When the text is not one.
 */
export function expression(text: string): Fill {
  const tokens = [...text.matchAll(TOKEN)].map(([, token]) => token!);
  const fill = operation(0);
  if (tokens.length === 0) return fill;
  throw new SyntaxError(`cannot read "${text}" from "${tokens[0]}" on`);

  function operation(least: number): Fill {
    let fill = operand(tokens.shift()!);
    for (;;) {
      const [strength = 0, apply] = OPERATORS.get(tokens[0]) ?? [];
      if (apply === undefined || strength <= least) return fill;
      const operator = tokens.shift();
      const left = fill;
      const right = operator === "."
        ? literal(tokens.shift())
        : operation(operator === "[" ? 0 : strength);
      if (operator === "[") tokens.shift();
      fill = (scope) => apply(left(scope) as never, right(scope) as never);
    }
  }

  function operand(token: string): Fill {
    if (/^\d/.test(token)) return literal(Number(token));
    if (token.startsWith("'")) return literal(token.slice(1, -1));
    if (token === "null") return literal(null);
    if (tokens[0] !== "(") return (scope) => named(scope, token);
    const values: Fill[] = [];
    // Skips the token before each: a parenthesis, or a comma.
    while (tokens.shift() !== ")") values.push(operation(0));
    const [a, b = literal(null)] = values;
    return (scope) => FUNCTIONS[token]!(a!(scope) as never, b(scope) as never);
  }
}

/** Prepares a constant. */
export function literal(value: unknown): Fill {
  return () => value;
}

/** @throws {ReferenceError} When nothing has the name. */
function named(scope: Scope, name: string): unknown {
  if (name in scope) return valueOf(scope, name);
  throw new ReferenceError(`"${name}" stands for nothing in this template`);
}

/** Returns the value that a name stands for. */
export function valueOf(scope: Scope, name: string | number): unknown {
  const value = scope[name];
  return typeof value === "function" ? scope[name] = value(scope) : value;
}

/** Makes a scope within another one. */
export function within(scope: Scope | null, values: object): Scope {
  return Object.assign(Object.create(scope), values);
}

/**
 * Makes a number from 0 to 1 that depends on nothing but its seed (mulberry32).
 *
 * @param seed Any whole number.
 */
export function chance(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

const ALPHABET =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Makes an id in the API's style: a prefix and 21 letters and digits. */
function makeId(prefix: string, name: string): string {
  let seed = 0;
  for (const character of prefix + name) {
    seed = (Math.imul(seed, 31) + character.codePointAt(0)!) | 0;
  }
  const letters = Array.from(
    { length: 21 },
    (_, i) => ALPHABET[Math.floor(chance(seed + i * 7919) * ALPHABET.length)],
  );
  return `${prefix}_${letters.join("")}`;
}

/** Makes a time in the API's style, without a zone, from minutes since the 6th of January 2025, 8:00. */
function timeAt(minutes: number): string {
  const ms = Date.UTC(2025, 0, 6, 8) + minutes * 60_000;
  return new Date(ms).toISOString().replace("Z", "417");
}
