/**
 * Writes YAML that readers of versions 1.1 and 1.2 understand alike: text is
 * quoted if one of them would read something else, and numbers keep their
 * digits.
 */

/** Words that some reader takes for a boolean, null or a number. */
const RESERVED =
  /^(true|false|yes|no|on|off|y|n|null|nan|inf|infinity|undefined|e-?\d+)$/i;
/** Text that every reader takes for text. */
const PLAIN = /^[A-Za-z][\w./-]*$/;
/** A text of JSON, or a number with an exponent, which 1.1 reads only with `.` and sign. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.]*[eE][+-]?\d+/gs;
/** Characters that JSON does not escape, though YAML does not allow them. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * Writes a value as JSON that is YAML too.
 *
 * @param value May hold numbers that keep their spelling; see `parseExactly`.
 * @param indent How far each level is indented; 0 for one line.
 */
export function flowText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    TOKEN,
    (token) =>
      token.startsWith('"')
        ? token.replace(
          UNPRINTABLE,
          (character) =>
            `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
        )
        : withPointAndSign(token),
  );
}

function withPointAndSign(number: string): string {
  const [digits = "", exponent = ""] = number.split(/[eE]/);
  const mantissa = digits.includes(".") ? digits : `${digits}.0`;
  return `${mantissa}e${/^[+-]/.test(exponent) ? "" : "+"}${exponent}`;
}

/** Writes text, a number or a boolean; anything else as JSON over several lines. */
export function valueText(value: unknown): string {
  const isPlain = typeof value === "string" && PLAIN.test(value) &&
    !RESERVED.test(value);
  return isPlain ? value : flowText(value, 2);
}

/**
 * Writes nested values as people write YAML, an entry a line.
 *
 * @param value Objects, arrays, text, numbers, booleans.
 * @param indent How far it is indented, in spaces.
 * @returns Lines, without the last end of line.
 */
export function blockText(value: object, indent = 0): string {
  const before = " ".repeat(indent);
  const nested = (one: unknown, level: number) =>
    typeof one === "object" && one !== null && Object.keys(one).length > 0 &&
      !("rawJSON" in one)
      ? blockText(one, level)
      : null;
  if (Array.isArray(value)) {
    return value.map((one) => {
      const inner = nested(one, indent + 2);
      return `${before}- ${inner?.slice(indent + 2) ?? flowOrPlain(one)}`;
    }).join("\n");
  }
  return Object.entries(value).map(([name, one]) => {
    const inner = nested(one, indent + 2);
    const key = `${before}${flowOrPlain(name)}:`;
    return inner === null ? `${key} ${flowOrPlain(one)}` : `${key}\n${inner}`;
  }).join("\n");
}

function flowOrPlain(value: unknown): string {
  return typeof value === "string" ? valueText(value) : flowText(value);
}
