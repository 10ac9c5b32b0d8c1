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
