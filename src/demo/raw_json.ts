/**
 * JSON texts with values that JavaScript cannot print: numbers beyond its range,
 * duplicate keys, lone surrogates. The demo's records hold them, so that an
 * exporter that prints what it parsed is found out.
 */

const MARK = "\u0001raw:";

/**
 * A stand-in for a piece of JSON, to be put into a value for {@linkcode jsonText}.
 *
 * @param json The piece, as it is to be sent.
 */
export function raw(json: string): string {
  return MARK + encodeURIComponent(json);
}

/** A value as JSON text, {@linkcode raw} pieces as they are. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /"\\u0001raw:([^"]*)"/g,
    (_, piece: string) => decodeURIComponent(piece),
  );
}

/** Puts white space between the tokens of a JSON text, and nowhere else. */
export function prettyPrint(text: string): string {
  let depth = 0;
  const newline = () => "\r\n" + "  ".repeat(depth);
  return text.replace(
    /"(?:[^"\\]|\\.)*"|[{}[\],:]/g,
    (token) => {
      if (token === "{" || token === "[") {
        depth++;
        return token + newline();
      }
      if (token === "}" || token === "]") {
        depth--;
        return newline() + token;
      }
      if (token === ",") return token + newline();
      return token === ":" ? "\t: " : token;
    },
  );
}
