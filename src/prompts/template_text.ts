/**
 * Writes a template in the tags of Humanloop's format, and tells what cannot be
 * read back from them.
 */
import { isEmpty, isObject } from "../core/json.ts";
import { flowText } from "./yaml.ts";

/** A text, and what of its source cannot be read back from it. */
export interface TextOf {
  readonly text: string;
  readonly inexact: readonly string[];
}

/** Is called with what cannot be read back, in words. */
export type Tell = (what: string) => void;

const ROLES = ["system", "user", "assistant", "developer", "tool"];
/** Text that a reader takes for a tag of the format. */
const TAG = /<\/?(system|user|assistant|developer|tool|text|image)(?![\w-])/i;
/** What a reader takes for the end of an attribute, or for another character. */
const NO_ATTRIBUTE = /["\p{Cc}]|&(#\d+|#x[\da-f]+|[a-z]\w*);/iu;

/**
 * Writes a template.
 *
 * @param template Text or messages.
 * @param endpoint The Version's: only `chat`, which is the default, has messages.
 */
export function writeTemplate(template: unknown, endpoint: unknown): TextOf {
  const inexact: string[] = [];
  const tell: Tell = (what) => void inexact.push(what);
  const isChat = isEmpty(endpoint) || endpoint === "chat";
  if (typeof template === "string") {
    if (isChat && template !== "") {
      tell("a template of text with the endpoint chat, which has messages");
    }
    return { text: template, inexact };
  }
  if (!Array.isArray(template)) {
    if (!isEmpty(template)) tell("a template that is no text and no messages");
    return { text: "", inexact };
  }
  if (!isChat && template.length > 0) {
    tell(`messages with the endpoint ${flowText(endpoint)}, which has text`);
  }
  const elements = template.flatMap((message, i) =>
    messageElements(message, (what) => tell(`message ${i + 1}: ${what}`))
  );
  return { text: elements.map((one) => `${one}\n`).join("\n"), inexact };
}

/** Writes a message; one with text and calls becomes two. */
function messageElements(message: unknown, tell: Tell): readonly string[] {
  const { role, content, tool_calls: calls, ...rest } = isObject(message)
    ? message
    : {};
  if (typeof role !== "string" || !ROLES.includes(role)) {
    tell(`it has no role of Humanloop's and is left out`);
    return [];
  }
  const isAnswer = role === "tool";
  const { name, tool_call_id: id, ...more } = rest;
  const other = isAnswer ? more : rest;
  for (const [field, value] of Object.entries(other)) {
    if (!isEmpty(value)) tell(`the field ${flowText(field)}`);
  }
  const attributes = isAnswer ? attributesText({ name, id }, tell) : "";
  const called = callElements(calls, tell);
  if (called.length === 0) {
    return [element(role + attributes, contentText(content, tell))];
  }
  const made = element(role, called.join("\n"));
  if (role !== "assistant") tell("calls in a message that is no assistant's");
  if (isEmpty(content)) return [made];
  tell("text and calls, which become two messages");
  return [element(role + attributes, contentText(content, tell)), made];
}

function callElements(calls: unknown, tell: Tell): readonly string[] {
  if (isEmpty(calls)) return [];
  if (!Array.isArray(calls)) {
    tell("tool_calls that are no list");
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
      tell("a call that is none of a function and is left out");
      return [];
    }
    for (const [field, value] of Object.entries({ ...more, ...rest })) {
      if (!isEmpty(value)) tell(`the field ${flowText(field)} of a call`);
    }
    const tag = `tool${attributesText({ name, id }, tell)}`;
    return [element(tag, checked(given, tell))];
  });
}

function contentText(content: unknown, tell: Tell): string {
  if (typeof content === "string") return checked(content, tell);
  if (!Array.isArray(content)) {
    if (!isEmpty(content)) tell("content that is no text and no parts");
    return "";
  }
  return content.flatMap((part: unknown, i) =>
    partElements(part, (what) => tell(`part ${i + 1}: ${what}`))
  ).join("\n");
}

function partElements(part: unknown, tell: Tell): readonly string[] {
  const { type, text, image_url: image, ...more } = isObject(part) ? part : {};
  for (const [field, value] of Object.entries(more)) {
    if (!isEmpty(value)) tell(`the field ${flowText(field)}`);
  }
  if (type === "text" && typeof text === "string") {
    return [element("text", checked(text, tell))];
  }
  if (type !== "image_url" || !isObject(image)) {
    tell("it is no text and no image and is left out");
    return [];
  }
  const { url, ...rest } = image;
  for (const [field, value] of Object.entries(rest)) {
    if (!isEmpty(value)) tell(`the field ${flowText(field)} of an image`);
  }
  const isRemote = typeof url === "string" &&
    /^(https:\/\/|\{\{)/.test(url) && !NO_ATTRIBUTE.test(url);
  if (isRemote) return [`<image url="${url}" />`];
  tell("an image that is at no https address and is left out");
  return [];
}

function attributesText(
  attributes: Readonly<Record<string, unknown>>,
  tell: Tell,
): string {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (value === null || value === undefined) return [];
    if (typeof value === "string" && !NO_ATTRIBUTE.test(value)) {
      return [` ${name}="${value}"`];
    }
    tell(`the attribute ${name}, ${flowText(value)}, which is left out`);
    return [];
  }).join("");
}

/** Tells where a text holds what would be read as a tag; it is written all the same. */
function checked(text: string, tell: Tell): string {
  const tag = TAG.exec(text)?.[0];
  if (tag !== undefined) tell(`text with ${tag}, which may be read as a tag`);
  return text;
}

/** Writes a tag on lines of its own around a text that is indented by two spaces. */
function element(tag: string, text: string): string {
  const [name] = tag.split(" ");
  const lines = text === "" ? [] : text.split("\n");
  const inner = lines.map((line) => line === "" ? "" : `  ${line}`);
  return [`<${tag}>`, ...inner, `</${name}>`].join("\n");
}
