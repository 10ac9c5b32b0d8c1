/**
 * Writes a Version as a prompt of promptfoo: a Nunjucks template that renders
 * to the messages as JSON, or to text. The messages of a Datapoint follow its
 * own.
 */
import { isEmpty, isObject } from "../core/text/json.ts";
import type { Note, TextOf } from "./template_text.ts";
import { flowText } from "./yaml.ts";

/** A variable of Humanloop's own template language. */
const VARIABLE = /\{\{\s*([^{}]*?)\s*\}\}/g;
/** What Nunjucks takes for the name of a variable. */
const NAME = /^[A-Za-z_]\w*$/;
const KEYWORDS = new Set([
  ...["and", "or", "not", "in", "is", "if", "else", "true", "false", "none"],
]);
/**
 * Braces that Nunjucks takes for the beginning of a tag, or the end of a
 * comment.
 */
const BRACE = /\{(?=[{%#])|(?<=#)\}/g;
/** A tag of jinja; promptfoo takes one on several lines for text. */
const JINJA_TAG = /\{[{%#].*?[}%#]\}/gs;
/** The fields of a message that providers accept. */
const MESSAGE_FIELDS = [
  "role",
  "content",
  "name",
  "tool_call_id",
  "tool_calls",
];
/**
 * The messages of a Datapoint: promptfoo has them as a variable that holds JSON, or
 * a list of one such text.
 */
const MORE_MESSAGES =
  `{% set hl_more %}{{ messages }}{% endset %}{% set hl_more = hl_more | trim %}` +
  `{% if hl_more.length > 2 %}, {{ hl_more.slice(1, -1) }}{% endif %}`;

/**
 * Writes it.
 *
 * @param version As the API sent it; numbers keep their spelling.
 * @param id Its id, which is written in front as a comment.
 */
export function promptfooPrompt(
  version: Readonly<Record<string, unknown>>,
  id: string,
): TextOf {
  const inexact: string[] = [];
  const note: Note = (reason) => void inexact.push(reason);
  const { template, template_language: language } = version;
  const isJinja = language === "jinja";
  if (isJinja) note("a template in jinja, most of which Nunjucks reads alike");
  const convert = (text: string) =>
    isJinja ? jinjaText(text) : nunjucksText(text, note);
  // Hides the environment of this machine, a global of promptfoo, from
  // templates.
  const isInput = flowText(version["inputs"] ?? []).includes('"env"');
  const hidden = isJinja && !isInput ? "{% set env = none %}" : "";
  const head = `{# ${id} #}${hidden}`;
  if (!Array.isArray(template)) {
    const text = typeof template === "string" ? convert(template) : "";
    if (text === "") note("a template without text, which promptfoo refuses");
    return { text: head + text, inexact };
  }
  const texts: string[] = [];
  const put = (text: string) => {
    // A brace at the end would go with the tag behind it.
    const inner = convert(text).replace(/\{$/, '{{ "{" }}');
    texts.push(`{% set hl_text_${texts.length + 1} %}${inner}{% endset %}`);
    return `{{ hl_text_${texts.length} | dump }}`;
  };
  const messages = template.map((message, i) =>
    jsonTemplate(
      messageOf(message, (reason) => note(`message ${i + 1}: ${reason}`)),
      put,
    )
  );
  const isOwn = texts.some((text) => /\{[{%][^}]*\bmessages\b/.test(text));
  const more = isOwn ? "" : MORE_MESSAGES;
  // If it has no messages of its own, no comma comes before the Datapoint's
  // first.
  const list = messages.length === 0
    ? more.replace("%}, {{", "%}{{")
    : `\n  ${messages.join(",\n  ")}${more}`;
  return { text: `${head}${texts.join("")}[${list}\n]\n`, inexact };
}

/** Returns the fields of a message that are sent. */
function messageOf(message: unknown, note: Note): object {
  const fields = Object.entries(isObject(message) ? message : {})
    .filter(([name, value]) => name === "content" || !isEmpty(value));
  for (const [name] of fields) {
    if (!MESSAGE_FIELDS.includes(name)) note(`the field ${flowText(name)}`);
  }
  return Object.fromEntries(
    fields.filter(([name]) => MESSAGE_FIELDS.includes(name)),
  );
}

/**
 * Writes JSON without the texts that have tags: `put` takes them, to be
 * rendered first.
 */
function jsonTemplate(value: unknown, put: (text: string) => string): string {
  if (typeof value === "string" && value.search(BRACE) !== -1) {
    return put(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((one) => jsonTemplate(one, put)).join(", ")}]`;
  }
  if (!isObject(value) || "rawJSON" in value) return JSON.stringify(value);
  const members = Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}: ${jsonTemplate(one, put)}`);
  return `{ ${members.join(", ")} }`;
}

/**
 * Converts Humanloop's language, in which everything but `{{name}}` is text, to
 * Nunjucks.
 */
function nunjucksText(text: string, note: Note): string {
  let made = "";
  let from = 0;
  const literal = (to: number) => {
    // Includes the next character: it decides whether a brace at the end begins
    // a tag.
    made += text.slice(from, to + 1).replace(BRACE, '{{ "$&" }}')
      .slice(0, to < text.length ? -1 : undefined);
    from = to;
  };
  for (const { 0: variable, 1: name = "", index } of text.matchAll(VARIABLE)) {
    if (!NAME.test(name) || KEYWORDS.has(name)) {
      note(`${flowText(variable)}, which is not a variable in Nunjucks`);
      continue;
    }
    literal(index);
    made += variable.replace(/\s+/g, " ");
    from = index + variable.length;
  }
  literal(text.length);
  return made;
}

/** Writes each tag in one line. */
function jinjaText(text: string): string {
  return text.replace(JINJA_TAG, (tag) => tag.replace(/\s*\n\s*/g, " "));
}
