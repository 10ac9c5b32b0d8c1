/**
 * Writes a Version of a Prompt or Agent as Humanloop serialised it, by its
 * reference ".prompt and .agent Files": model, parameters and tools as front
 * matter in YAML, then the template. What the format cannot express is
 * reported.
 */
import { isEmpty, isObject } from "../core/text/json.ts";
import { type Note, type TextOf, writeTemplate } from "./template_text.ts";
import { flowText, valueText } from "./yaml.ts";

/** What the front matter holds, in the order of the reference. */
const PARAMETERS = [
  ...["model", "temperature", "max_tokens", "top_p", "presence_penalty"],
  ...["frequency_penalty", "stop", "seed", "response_format"],
  ...["reasoning_effort", "other", "provider", "endpoint"],
  ...["template_language", "max_iterations", "attributes"],
  ...["linked_tools", "tools"],
];
/** Fields that are not part of a Version's definition, or are in the text. */
const LEFT_OUT = new Set([
  ...["template", "raw_file_content", "environments", "created_at"],
  ...["updated_at", "created_by", "last_used_at", "committed_by"],
  ...["committed_at", "directory_id", "name", "inputs", "evaluators"],
  ...["evaluator_aggregates", "version_logs_count", "total_logs_count"],
]);
/** Fields that name a Version, for which the format has none. */
const NAMES = [
  ...["path", "id", "version_id", "version_name", "version_description"],
];
const ABOUT = new Set([
  ...[...LEFT_OUT, ...NAMES, "type", "description", "readme", "tags"],
  ...["schema", "status", "commit_message"],
]);

/** Says that a text holds what no file of UTF-8 can. */
export const BROKEN = "a broken character (half a surrogate pair)";

/**
 * Writes the text of a Version.
 *
 * @param version As the API sent it; numbers keep their spelling.
 * @returns Humanloop's own text if the API sent it, else the same made here.
 */
export function promptText(
  version: Readonly<Record<string, unknown>>,
): TextOf {
  const inexact: string[] = [];
  const note: Note = (reason) => void inexact.push(reason);
  const own = version["raw_file_content"];
  const text = typeof own === "string" && own !== ""
    ? own
    : serialized(version, note);
  if (!text.isWellFormed()) note(BROKEN);
  return { text, inexact };
}

function serialized(
  version: Readonly<Record<string, unknown>>,
  note: Note,
): string {
  const lines = PARAMETERS
    .filter((name) => isWritten(name, version[name]))
    .map((name) => `${name}: ${valueText(definitionOf(name, version[name]))}`);
  for (const [name, value] of Object.entries(version)) {
    if (PARAMETERS.includes(name) || ABOUT.has(name) || isEmpty(value)) {
      continue;
    }
    note(`the field ${flowText(name)}`);
  }
  const { text, inexact } = writeTemplate(
    version["template"],
    version["endpoint"],
  );
  inexact.forEach(note);
  return ["---", ...lines, "---", text].join("\n");
}

/** Leaves out fields that are not set, and the default language. */
function isWritten(name: string, value: unknown): boolean {
  if (name === "template_language" && value === "default") return false;
  return value === "" || !isEmpty(value);
}

/**
 * Returns a parameter as it was set: the API adds to an Agent's link the linked
 * File, which has a text of its own.
 */
function definitionOf(name: string, value: unknown): unknown {
  if (name !== "tools" || !Array.isArray(value)) return value;
  return value.map((tool: unknown) => {
    if (!isObject(tool) || tool["type"] !== "file") return tool;
    const { file: _, ...link } = tool;
    return link;
  });
}

/**
 * Returns the fields of a Version beside its template, the most important
 * first.
 */
export function fieldsOf(
  version: Readonly<Record<string, unknown>>,
): readonly (readonly [name: string, value: unknown])[] {
  const first = [
    ...NAMES,
    ...["model", "provider", "endpoint", "temperature", "max_tokens", "top_p"],
  ];
  return [
    ...first.filter((name) => name in version),
    ...Object.keys(version).filter((name) => !first.includes(name)),
  ]
    .filter((name) => !LEFT_OUT.has(name) && !isEmpty(version[name]))
    .map((name) => [name, version[name]]);
}

/**
 * Writes a template as text to compare: messages, each in the tag of its role.
 */
export function templateText(template: unknown): string {
  const endpoint = typeof template === "string" ? "complete" : "chat";
  return writeTemplate(template, endpoint).text;
}
