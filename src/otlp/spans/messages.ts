/**
 * Writes Humanloop's messages as those of the GenAI conventions: a role with parts.
 * A member that has no name there is kept as it is.
 */
import { isObject, parseExactly } from "../../core/text/json.ts";

/**
 * Longer JSON is not converted to messages: V8 ends the process when it prints
 * such a text.
 */
export const MOST_LENGTH = 100_000_000;

type Fields = Readonly<Record<string, unknown>>;

/** A number that may lose precision: many digits, a fraction or an exponent. */
const DELICATE_NUMBER = /\d{16}|\d\.\d|\d[eE]/;

/**
 * Writes messages.
 *
 * @param json An array of messages, or one, as it is spelled.
 * @param more Fields that each gets in addition.
 * @returns Their JSON; `null` if they are not messages.
 */
export function messagesJson(json: string, more: Fields = {}): string | null {
  if (json.length > MOST_LENGTH) return null;
  const value = DELICATE_NUMBER.test(json)
    ? parseExactly(json)
    : JSON.parse(json);
  const messages = Array.isArray(value) ? value : [value];
  if (messages.length === 0) return null;
  const written: Fields[] = [];
  for (const message of messages) {
    if (!isObject(message) || typeof message["role"] !== "string") return null;
    written.push({ ...converted(message), ...more });
  }
  return stringified(written);
}

/** Writes the JSON of a value; `null` if it is too deep for recursion. */
function stringified(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Writes a text as the message of the assistant. */
export function assistantJson(text: string, more: Fields): string {
  const parts = [{ type: "text", content: text }];
  return JSON.stringify([{ role: "assistant", parts, ...more }]);
}

function converted(message: Fields): Fields {
  const { role, content, tool_call_id: callId, ...others } = message;
  const { tool_calls: calls, thinking, ...rest } = others;
  const isAnswer = role === "tool";
  const said = isAnswer
    ? [
      withoutEmpty({
        type: "tool_call_response",
        id: callId,
        response: content,
      }),
    ]
    : contentParts(content);
  return withoutEmpty({
    role,
    parts: [
      ...listOf(thinking).map(thoughtPart),
      ...said,
      ...listOf(calls).map(callPart),
    ],
    ...rest,
    ...isAnswer ? {} : { tool_call_id: callId },
  });
}

function contentParts(content: unknown): readonly unknown[] {
  if (typeof content === "string") return [{ type: "text", content }];
  return listOf(content).map(contentPart);
}

/** Converts a part; one that the conventions do not know stays as it is. */
function contentPart(part: unknown): unknown {
  if (!isObject(part)) return { type: "text", content: part };
  const { type, text, image_url: image, ...rest } = part;
  if (type === "text") return { type, content: text, ...rest };
  if (type !== "image_url" || !isObject(image)) return part;
  const { url, ...details } = image;
  const more = { ...details, ...rest };
  const [, mime, data] = typeof url === "string"
    ? /^data:([\w.+-]+\/[\w.+-]+);base64,(.*)$/s.exec(url) ?? []
    : [];
  return mime === undefined
    ? { type: "uri", modality: "image", uri: url, ...more }
    : {
      ...{ type: "blob", modality: "image", mime_type: mime },
      ...{ content: data, ...more },
    };
}

function callPart(call: unknown): unknown {
  if (!isObject(call)) return { type: "tool_call", call };
  const { id, type, function: named, ...rest } = call;
  const { name, arguments: given, ...more } = isObject(named)
    ? named
    : { function: named };
  return withoutEmpty({
    type: "tool_call",
    id,
    name,
    arguments: argumentsOf(given),
    ...more,
    ...rest,
    ...type === "function" ? {} : { call_type: type },
  });
}

/** Parses the arguments of a call, which are JSON within a text. */
function argumentsOf(given: unknown): unknown {
  if (typeof given !== "string") return given;
  const value = parseExactly(given);
  return isObject(value) || Array.isArray(value) ? value : given;
}

function thoughtPart(thought: unknown): unknown {
  if (!isObject(thought) || thought["type"] !== "thinking") {
    return isObject(thought)
      ? thought
      : { type: "reasoning", content: thought };
  }
  const { type: _, thinking, ...rest } = thought;
  return { type: "reasoning", content: thinking, ...rest };
}

function listOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function withoutEmpty(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) =>
      value !== undefined && value !== null
    ),
  );
}
