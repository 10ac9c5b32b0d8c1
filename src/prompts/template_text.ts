/**
 * Writes a template in the tags of Humanloop's format, and reports what
 * cannot be read back from them.
 */
import { isEmpty, isObject } from "../core/text/json.ts";
import { flowText } from "./yaml.ts";

/** A text, and what it does not hold of its source. */
export interface TextOf {
  readonly text: string;
  readonly inexact: readonly string[];
}

/** Called with what a text does not hold of its source, in words. */
export type Note = (reason: string) => void;

const ROLES = ["system", "user", "assistant", "developer", "tool"];
/** Text that a reader would take for a tag of the format. */
const TAG = /<\/?(system|user|assistant|developer|tool|text|image)(?![\w-])/i;
/**
 * Text that a reader would take for the end of an attribute, or another
 * character.
 */
const NO_ATTRIBUTE = /["\p{Cc}]|&(#\d+|#x[\da-f]+|[a-z]\w*);/iu;

/**
 * Writes a template.
 *
 * @param template Text or messages.
 * @param endpoint The Version's endpoint: only `chat`, the default, has
 * messages.
 */
export function writeTemplate(template: unknown, endpoint: unknown): TextOf {
  const inexact: string[] = [];
  const note: Note = (reason) => void inexact.push(reason);
  const isChat = isEmpty(endpoint) || endpoint === "chat";
  if (typeof template === "string") {
    if (isChat && template !== "") {
      note("a template of text, though the endpoint chat takes messages");
    }
    return { text: template, inexact };
  }
  if (!Array.isArray(template)) {
    if (!isEmpty(template)) {
      note("a template that is neither text nor messages");
    }
    return { text: "", inexact };
  }
  if (!isChat && template.length > 0) {
    note(`messages, though the endpoint ${flowText(endpoint)} takes text`);
  }
  const elements = template.flatMap((message, i) =>
    messageElements(message, (reason) => note(`message ${i + 1}: ${reason}`))
  );
  return { text: elements.map((one) => `${one}\n`).join("\n"), inexact };
}

/** Writes a message; one with text and calls becomes two. */
function messageElements(message: unknown, note: Note): readonly string[] {
  const { role, content, tool_calls: calls, ...rest } = isObject(message)
    ? message
    : {};
  if (typeof role !== "string" || !ROLES.includes(role)) {
    note(`it has a role that Humanloop does not know, and is left out`);
    return [];
  }
  const isAnswer = role === "tool";
  const { name, tool_call_id: id, ...more } = rest;
  const other = isAnswer ? more : rest;
  for (const [field, value] of Object.entries(other)) {
    if (!isEmpty(value)) note(`the field ${flowText(field)}`);
  }
  const attributes = isAnswer ? attributesText({ name, id }, note) : "";
  const called = callElements(calls, note);
  if (called.length === 0) {
    return [element(role + attributes, contentText(content, note))];
  }
  const made = element(role, called.join("\n"));
  if (role !== "assistant") {
    note("calls in a message that is not the assistant's");
  }
  if (isEmpty(content)) return [made];
  note("text and calls, which become two messages");
  return [element(role + attributes, contentText(content, note)), made];
}

function callElements(calls: unknown, note: Note): readonly string[] {
  if (isEmpty(calls)) return [];
  if (!Array.isArray(calls)) {
    note("tool_calls that are not a list");
    return [];
  }
  return calls.flatMap((call: unknown) => {
    const { id, type = "function", function: called, ...more } = isObject(call)
      ? call
      : {};
    const { name, arguments: given, ...rest } = isObject(called) ? called : {};
    const isCall = type === "function" && typeof given === "string" &&
      typeof name === "string" && typeof id === "string";
    if (!isCall) {
      note("a call that is not a function call, and is left out");
      return [];
    }
    for (const [field, value] of Object.entries({ ...more, ...rest })) {
      if (!isEmpty(value)) note(`the field ${flowText(field)} of a call`);
    }
    const tag = `tool${attributesText({ name, id }, note)}`;
    return [element(tag, checked(given, note))];
  });
}

function contentText(content: unknown, note: Note): string {
  if (typeof content === "string") return checked(content, note);
  if (!Array.isArray(content)) {
    if (!isEmpty(content)) note("content that is neither text nor parts");
    return "";
  }
  return content.flatMap((part: unknown, i) =>
    partElements(part, (reason) => note(`part ${i + 1}: ${reason}`))
  ).join("\n");
}

function partElements(part: unknown, note: Note): readonly string[] {
  const { type, text, image_url: image, ...more } = isObject(part) ? part : {};
  for (const [field, value] of Object.entries(more)) {
    if (!isEmpty(value)) note(`the field ${flowText(field)}`);
  }
  if (type === "text" && typeof text === "string") {
    return [element("text", checked(text, note))];
  }
  if (type !== "image_url" || !isObject(image)) {
    note("it is neither text nor an image, and is left out");
    return [];
  }
  const { url, ...rest } = image;
  for (const [field, value] of Object.entries(rest)) {
    if (!isEmpty(value)) note(`the field ${flowText(field)} of an image`);
  }
  const isRemote = typeof url === "string" &&
    /^(https:\/\/|\{\{)/.test(url) && !NO_ATTRIBUTE.test(url);
  if (isRemote) return [`<image url="${url}" />`];
  note("an image without an https address, which is left out");
  return [];
}

function attributesText(
  attributes: Readonly<Record<string, unknown>>,
  note: Note,
): string {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (value === null || value === undefined) return [];
    if (typeof value === "string" && !NO_ATTRIBUTE.test(value)) {
      return [` ${name}="${value}"`];
    }
    note(`the attribute ${name}, ${flowText(value)}, which is left out`);
    return [];
  }).join("");
}

/**
 * Returns a text as it is, and reports one that holds what would be read as a
 * tag.
 */
function checked(text: string, note: Note): string {
  const tag = TAG.exec(text)?.[0];
  if (tag !== undefined) note(`text with ${tag}, which may be read as a tag`);
  return text;
}

/**
 * Writes a tag on lines of its own around a text, which is indented by two
 * spaces.
 */
function element(tag: string, text: string): string {
  const [name] = tag.split(" ");
  const lines = text === "" ? [] : text.split("\n");
  const inner = lines.map((line) => line === "" ? "" : `  ${line}`);
  return [`<${tag}>`, ...inner, `</${name}>`].join("\n");
}
