/**
 * Fills templates of JSON. `"${name}"` stands for a value, `${name}` within a
 * longer string for its text. A string that begins with `=` stands for JSON as it
 * is to be sent: numbers beyond JavaScript's range, duplicate keys, lone surrogates.
 */

const PLACEHOLDER = /"=((?:[^"\\]|\\.)*)"|"\$\{(\w+)\}"|\$\{(\w+)\}/g;

/**
 * Prepares a template.
 *
 * @param value What a JSON file holds.
 * @returns A function that fills it: from values by their names to JSON text.
 */
export function template(
  value: unknown,
): (values: Readonly<Record<string, unknown>>) => string {
  const text = JSON.stringify(value);
  return (values) =>
    text.replace(
      PLACEHOLDER,
      (_, raw?: string, whole?: string, part?: string) => {
        if (raw !== undefined) {
          const json: string = JSON.parse(`"${raw}"`);
          return json.replace(
            /\$\{(\w+)\}/g,
            (_, name) => String(values[name]),
          );
        }
        if (whole !== undefined) {
          return JSON.stringify(values[whole] ?? null);
        }
        return JSON.stringify(String(values[part!])).slice(1, -1);
      },
    );
}

/** Joins JSON texts as one array. */
export function arrayOf(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}
