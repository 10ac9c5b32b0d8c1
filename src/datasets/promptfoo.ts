/**
 * Writes Datapoints as tests of promptfoo: `{description, vars, assert, metadata}`.
 *
 * promptfoo renders templates in variables and in what is expected, reads the
 * files that they name (`file://`), resolves `$ref` and makes several tests of
 * a list. None of this may happen to the values of a Datapoint, which could
 * read any file and environment variable. So all values are texts, and one that
 * promptfoo would change is put into a list of one, which promptfoo prints as
 * that text and does not look into.
 */
import {
  type Datapoint,
  type DatasetVersion,
  type Member,
  members,
  metadataOf,
  objectText,
  plainText,
} from "./datapoint.ts";
import { type DatapointWriter, hasHalf } from "./format.ts";

/** What promptfoo takes for a template, or fails on (`#}` alone). */
const TEMPLATE = /\{[{%#]|#\}/;
/** What it loads as a file. */
const ADDRESS = /^(file:\/\/|package:)/;
/** Either of these in a JSON text, since it looks into lists and objects. */
const ACTIVE_JSON = /\{[{%#]|#\}|file:\/\/|package:|\$ref/;
/** The variable that holds the messages. */
const MESSAGES = "messages";
/** The field of a target that Humanloop's own Evaluators compare with the output. */
const OUTPUT = "output";

/** Writes a test a line. */
export function promptfooWriter(
  version: DatasetVersion,
): DatapointWriter {
  let withoutAssert = 0;
  let kept = 0;
  let halves = 0;
  return {
    head: "",
    row(datapoint) {
      const { id, target } = datapoint;
      const vars = varsOf(datapoint);
      const assert = assertOf(target);
      if (assert === null && !isNothing(target)) withoutAssert++;
      const isKept = vars.some(([, json]) => json.startsWith("["));
      if (isKept) kept++;
      const line = objectText([
        ...id === "null" ? [] : [["description", passive(id)] satisfies Member],
        ["vars", objectText(vars)],
        ...assert === null ? [] : [["assert", `[${assert}]`] satisfies Member],
        ["metadata", objectText(metadata(version, datapoint))],
        ...isKept
          ? [["options", `{"disableVarExpansion":true}`] satisfies Member]
          : [],
      ]);
      if (hasHalf(line)) halves++;
      return `${line}\n`;
    },
    notes: () =>
      [
        [
          withoutAssert,
          "have a target of several fields, or one that promptfoo would change: they have no assert, the target is in metadata.expected_output",
        ] as const,
        [
          kept,
          "hold what promptfoo would take for a template or a file: each such text is put into a list of one (in quotes if it is both), so that it does not",
        ] as const,
        [halves, "hold half of a character (such as \\ud83d alone)"] as const,
      ].filter(([n]) => n > 0).map(([n, text]) => ({
        text: `${n} of its Datapoints ${text}`,
        isLoss: false,
      })),
  };
}

/**
 * Lists the variables: the inputs, and the messages unless an input has that
 * name.
 */
function varsOf({ inputs, messages }: Datapoint): readonly Member[] {
  const values = members(inputs);
  const isTaken = values.some(([name]) => name === MESSAGES);
  const all = isTaken || isNothing(messages)
    ? values
    : [...values, [MESSAGES, messages] satisfies Member];
  return all.map(([name, json]) => {
    if (json === "null") return [name, json];
    const text = plainText(json);
    if (!isActive(text) && name !== "$ref") return [name, JSON.stringify(text)];
    // Templates within an address are rendered wherever it stands.
    const isQuoted = ADDRESS.test(text) && TEMPLATE.test(text);
    return [name, JSON.stringify([isQuoted ? JSON.stringify(text) : text])];
  });
}

/** Lists the metadata, all of it as text. */
function metadata(
  version: DatasetVersion,
  datapoint: Datapoint,
): readonly Member[] {
  const { id, inputs, messages, target } = datapoint;
  const names = members(inputs).map(([name]) => name);
  const isOther = !inputs.startsWith("{") && inputs !== "null";
  const all: readonly Member[] = [
    ["id", id],
    ...metadataOf(version, datapoint),
    ["expected_output", JSON.stringify(target)],
    ...names.includes(MESSAGES)
      ? [["messages", JSON.stringify(messages)] satisfies Member]
      : [],
    ...isOther ? [["input", JSON.stringify(inputs)] satisfies Member] : [],
  ];
  return all.filter(([, json]) => json !== "null")
    .map(([name, json]) => [name, passive(json)]);
}

/** Makes a JSON value a text that names no file. */
function passive(json: string): string {
  const text = plainText(json);
  return JSON.stringify(ADDRESS.test(text) ? JSON.stringify(text) : text);
}

/**
 * Makes the assertion that the output equals the target's field `output`, or
 * its only field. Only its Evaluators know what other targets mean.
 */
function assertOf(target: string): string | null {
  const fields = members(target);
  const [, json] = fields.find(([name]) => name === OUTPUT) ??
    (fields.length === 1 ? fields[0]! : ["", "null"]);
  if (json === "null") return null;
  if (json.startsWith("{") || json.startsWith("[")) {
    return ACTIVE_JSON.test(json) ? null : equals(json);
  }
  const text = plainText(json);
  return equals(JSON.stringify(isActive(text) ? literal(text) : text));
}

/**
 * Checks whether promptfoo would change a text: it also removes a line break at
 * the end.
 */
function isActive(text: string): boolean {
  return TEMPLATE.test(text) || ADDRESS.test(text) || text.endsWith("\n");
}

function equals(value: string): string {
  return `{"type":"equals","value":${value}}`;
}

/** Writes a template that renders to exactly this text. */
function literal(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return `{{ "${escaped}" }}`;
}

function isNothing(json: string): boolean {
  return ["null", "{}", "[]", '""'].includes(json);
}
