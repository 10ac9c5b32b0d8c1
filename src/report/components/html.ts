/**
 * Makes HTML that untrusted text cannot break out of: what is put into a
 * template is escaped, unless it is {@linkcode Markup}. Control characters and
 * those that turn the direction of writing are made visible.
 */
import { createHash } from "node:crypto";
import { CONTROLS, escapeControls } from "../../ui/text.ts";

/** HTML that this program made. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a template takes; `null` and `false` are nothing. */
export type Content =
  | Markup
  | string
  | number
  | null
  | false
  | readonly Content[];

/** Puts text and markup into a template. */
export function html(
  strings: TemplateStringsArray,
  ...parts: readonly Content[]
): Markup {
  let text = strings[0]!;
  for (let i = 0; i < parts.length; i++) {
    text += textOf(parts[i]!) + strings[i + 1]!;
  }
  return new Markup(text);
}

/** Matches what has to be escaped; most texts have none of it. */
const SPECIAL = new RegExp(`[[${CONTROLS}&<>"']--[\\n\\t]]`, "v");

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (content === null || content === false) return "";
  if (typeof content === "object") return content.map(textOf).join("");
  const text = String(content);
  return SPECIAL.test(text) ? escapeMarkup(shown(text)) : text;
}

function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** Returns a text as a page shows it, with its lines and tabs. */
export function shown(text: string): string {
  return escapeControls(text.replaceAll("\r\n", "\n"), "\n\t");
}

/** A self-contained page. */
export interface Page {
  readonly title: string;
  readonly body: Markup;
  /** The data of the script. */
  readonly data: unknown;
}

/**
 * The text of a page: the beginning that all pages of its kind share, its own
 * part, and the end that all share.
 */
export type PageText = readonly [head: string, own: string, tail: string];

/**
 * Makes the function that writes pages with a style and a script. Their policy
 * forbids everything but these two, known by their hashes: no network, no other
 * script, no form.
 */
export function pageTemplate(
  { style, script }: { readonly style: string; readonly script: string },
): (page: Page) => PageText {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const head = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <style>${new Markup(style)}</style>
  `.text;
  const tail = `</script>
<script>${script}</script>
</body>
</html>
`;
  return ({ title, body, data }) => {
    // Escapes `<`, so that no text can end its element.
    const json = JSON.stringify(data).replaceAll("<", "\\u003c");
    const own = html`<title>${title}</title>
</head>
<body>
${body}
<script type="application/json" id="data">${new Markup(json)}`.text;
    return [head, own, tail];
  };
}

/** Makes the hash by which a policy allows a script or a style. */
export function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
