/**
 * Writes a Version of a Prompt or Agent as text to read and to keep in git:
 * front matter with its model and parameters, then its messages. Values are
 * JSON, which is YAML too, so that front matter can be parsed.
 */
import { isEmpty, isObject, parseExactly } from "../core/json.ts";

/** What comes first in the front matter, in this order. */
const FIRST = [
  ...["path", "id", "version_id", "version_name", "version_description"],
  ...["model", "provider", "endpoint", "temperature", "max_tokens", "top_p"],
];
/** What is no part of a Version's definition, or is in the text. */
const LEFT_OUT = new Set([
  ...["template", "raw_file_content", "environments", "created_at"],
  ...["updated_at", "created_by", "last_used_at", "committed_by"],
  ...["committed_at", "directory_id", "name", "inputs", "evaluators"],
  ...["evaluator_aggregates", "version_logs_count", "total_logs_count"],
]);

/**
 * Writes the text of a Version.
 *
 * @param json The Version as the API sent it.
 * @returns Humanloop's own text of it where it was sent, else one of ours;
 * `null` where the JSON is no Version.
 */
export function promptText(json: string): string | null {
  const version = parseExactly(json);
  if (!isObject(version)) return null;
  const own = version["raw_file_content"];
  if (typeof own === "string" && own !== "") return own;
  const lines = fieldsOf(version).map(([name, value]) =>
    `${keyOf(name)}: ${JSON.stringify(value)}`
  );
  const text = templateText(version["template"]);
  return ["---", ...lines, "---", "", text].join("\n");
}

/** Returns what a Version consists of beside its template, what matters most first. */
export function fieldsOf(
  version: Readonly<Record<string, unknown>>,
): readonly (readonly [name: string, value: unknown])[] {
  return [
    ...FIRST.filter((name) => name in version),
    ...Object.keys(version).filter((name) => !FIRST.includes(name)),
  ]
    .filter((name) => !LEFT_OUT.has(name) && !isEmpty(version[name]))
    .map((name) => [name, version[name]]);
}

/** Writes a key of YAML, quoted where it needs to be. */
function keyOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

/** Writes a template as text: messages, each in the tag of its role. */
export function templateText(template: unknown): string {
  if (typeof template === "string") return ensureEnd(template);
  if (!Array.isArray(template)) return "";
  return template.map((message) => {
    if (!isObject(message)) return `${JSON.stringify(message)}\n`;
    const { role, content, ...rest } = message;
    const attributes = Object.entries(rest)
      .filter(([, value]) => !isEmpty(value))
      .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    const tag = typeof role === "string" ? role : "message";
    return `<${tag}${attributes.join("")}>\n${contentText(content)}</${tag}>\n`;
  }).join("\n");
}

function contentText(content: unknown): string {
  if (typeof content === "string") return ensureEnd(content);
  if (!Array.isArray(content)) return "";
  return content.map((part) =>
    isObject(part) && part["type"] === "text" &&
      typeof part["text"] === "string"
      ? ensureEnd(part["text"])
      : `<part>${JSON.stringify(part)}</part>\n`
  ).join("");
}

function ensureEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
