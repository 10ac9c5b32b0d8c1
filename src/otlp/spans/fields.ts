/**
 * Defines where each field of a Log goes, in one table for spans and `--help`.
 * Names are those of the OpenTelemetry GenAI conventions and of OpenInference;
 * other fields are put under `humanloop.`.
 */
import { type Attributes, numberKind } from "./attributes.ts";
import {
  isNumber,
  isText,
  type LogJson,
  spelledElements,
  spelledFields,
  textField,
} from "./log_json.ts";
import { assistantJson, messagesJson, MOST_LENGTH } from "./messages.ts";
import { VERSION_FIELDS, type WrittenVersion } from "./version_fields.ts";

/** The version of the conventions. */
export const CONVENTIONS = "gen-ai/1.42.0 (Development)";

/** A field, and where it goes. */
export interface FieldMapping {
  /** Names of fields with the same mapping. */
  readonly fields: readonly string[];
  /** For `--help`, and the name of the attribute if there is just one. */
  readonly to: string;
  /**
   * Writes it.
   *
   * @returns Whether all of it is written; if not, it also goes to
   * `humanloop.`.
   */
  readonly write: (json: string, out: Attributes, log: MappedLog) => boolean;
}

/** A Log with its Version as it is written. */
export interface MappedLog extends LogJson {
  readonly version: WrittenVersion | null;
}

function mapping(
  fields: string | readonly string[],
  to: string,
  write: FieldMapping["write"],
): FieldMapping {
  return { fields: [fields].flat(), to, write };
}

/** Maps a field to one attribute, if its value is of that kind. */
function attribute(
  field: string,
  to: string,
  write: (json: string, out: Attributes, name: string) => boolean,
): FieldMapping {
  return mapping(field, to, (json, out) => write(json, out, to));
}

/** Writes a whole number. */
function asWhole(json: string, out: Attributes, name: string): boolean {
  if (!isNumber(json) || numberKind(json) !== "whole") return false;
  out.whole(name, json);
  return true;
}

/** Writes a number. */
function asDouble(json: string, out: Attributes, name: string): boolean {
  if (!isNumber(json) || numberKind(json) === "text") return false;
  out.double(name, json);
  return true;
}

/** Writes one text as a list of texts. */
function asTexts(json: string, out: Attributes, name: string): boolean {
  if (!isText(json)) return false;
  out.texts(name, [JSON.parse(json)]);
  return true;
}

/** Writes a value and its MIME type. */
function asValue(json: string, out: Attributes, name: string): void {
  if (isText(json)) out.spelledText(`${name}.value`, json);
  else {
    out.text(`${name}.value`, json);
    out.text(`${name}.mime_type`, "application/json");
  }
}

function writeInputs(json: string, out: Attributes, log: MappedLog): boolean {
  asValue(json, out, "input");
  if (log.type === "tool") out.text("gen_ai.tool.call.arguments", json);
  if (json[0] === "{") {
    for (const [name, value] of spelledFields(json)) {
      const to = `gen_ai.prompt.variable.${name}`;
      if (isText(value)) out.spelledText(to, value);
      else out.text(to, value);
    }
  }
  return true;
}

function writeMessages(json: string, out: Attributes): boolean {
  const messages = messagesJson(json);
  if (messages === null) return false;
  out.text("gen_ai.input.messages", messages);
  if (!out.has("input.value")) asValue(json, out, "input");
  return true;
}

function writeOutput(json: string, out: Attributes, log: MappedLog): boolean {
  asValue(json, out, "output");
  const { type } = log;
  if (type === "tool") out.value("gen_ai.tool.call.result", json);
  const isModel = type === "prompt" || type === "agent";
  const isShort = isText(json) && json.length <= MOST_LENGTH;
  if (isModel && isShort && !log.fields.has("output_message")) {
    const messages = assistantJson(JSON.parse(json), endOf(log));
    out.text("gen_ai.output.messages", messages);
  }
  return true;
}

function writeOutputMessage(
  json: string,
  out: Attributes,
  log: MappedLog,
): boolean {
  const messages = messagesJson(json, endOf(log));
  if (messages === null) return false;
  out.text("gen_ai.output.messages", messages);
  if (!out.has("output.value")) {
    const content = json[0] === "{" ? spelledFields(json).get("content") : null;
    asValue(content ?? json, out, "output");
  }
  return true;
}

/** Returns what the conventions require of every message of a model. */
function endOf(log: MappedLog): Readonly<Record<string, string>> {
  const reason = textField(log.fields, "finish_reason");
  const isError = log.fields.has("error");
  return { finish_reason: reason ?? (isError ? "error" : "unknown") };
}

function writeCost(name: string): FieldMapping["write"] {
  return (json, out, { fields }) => {
    if (!asDouble(json, out, name)) return false;
    const both = [fields.get("prompt_cost"), fields.get("output_cost")];
    const isLast = json === both.findLast((one) => one !== undefined);
    if (isLast && !out.has("llm.cost.total")) {
      const sum = both.reduce((sum, one) => sum + Number(one ?? 0), 0);
      if (Number.isFinite(sum)) out.double("llm.cost.total", sum);
    }
    return true;
  };
}

/** Checks that a field holds only Logs, which are spans of their own. */
function writeInner(json: string): boolean {
  const inner = json[0] === "[" ? spelledElements(json) : [json];
  return inner.every((one) => one[0] === "{");
}

const VERSION: FieldMapping["write"] = (json, out, log) => {
  const isIt = log.version !== null &&
    json === log.fields.get(log.type ?? "");
  if (isIt) out.addAll(log.version.attributes);
  return isIt;
};

/** Where the fields of a Log go. */
export const LOG_FIELDS: readonly FieldMapping[] = [
  mapping(
    ["prompt", "agent", "flow", "tool", "evaluator"],
    "humanloop.version (its JSON), and what is below",
    VERSION,
  ),
  mapping(
    "inputs",
    "input.value, gen_ai.prompt.variable.NAME; of a Tool gen_ai.tool.call.arguments",
    writeInputs,
  ),
  mapping(
    "messages",
    "gen_ai.input.messages; input.value without inputs",
    writeMessages,
  ),
  mapping(
    "output",
    "output.value; of a Tool gen_ai.tool.call.result; gen_ai.output.messages without output_message",
    writeOutput,
  ),
  mapping(
    "output_message",
    "gen_ai.output.messages; output.value without output",
    writeOutputMessage,
  ),
  attribute("finish_reason", "gen_ai.response.finish_reasons", asTexts),
  attribute("prompt_tokens", "gen_ai.usage.input_tokens", asWhole),
  attribute("output_tokens", "gen_ai.usage.output_tokens", asWhole),
  attribute(
    "reasoning_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    asWhole,
  ),
  mapping(
    "prompt_cost",
    "llm.cost.prompt, llm.cost.total",
    writeCost("llm.cost.prompt"),
  ),
  mapping(
    "output_cost",
    "llm.cost.completion, llm.cost.total",
    writeCost("llm.cost.completion"),
  ),
  mapping(
    "error",
    "the status of the span, error.type, humanloop.error",
    (json, out) => {
      if (json !== '""') out.text("error.type", "_OTHER");
      return false;
    },
  ),
  mapping(
    ["start_time", "end_time", "created_at", "provider_latency"],
    "the times of the span, and humanloop. of the same name",
    () => false,
  ),
  mapping(
    ["trace_children", "evaluator_logs", "parent"],
    "spans of their own",
    writeInner,
  ),
];

const BY_FIELD = new Map(
  LOG_FIELDS.flatMap((one) => one.fields.map((field) => [field, one] as const)),
);

/** Writes all fields of a Log. */
export function writeFields(log: MappedLog, out: Attributes): void {
  const rest: Array<readonly [name: string, json: string]> = [];
  // Keeps the order of the table: some fields depend on others.
  for (const { fields, write } of LOG_FIELDS) {
    for (const name of fields) {
      const json = log.fields.get(name);
      if (json !== undefined && !write(json, out, log)) rest.push([name, json]);
    }
  }
  for (const [name, json] of log.fields) {
    if (!BY_FIELD.has(name)) rest.push([name, json]);
  }
  for (const [name, json] of rest) out.value(freeName(out, name), json);
}

/** Returns the name of a field that has none in the conventions. */
function freeName(out: Attributes, field: string): string {
  let name = `humanloop.${field}`;
  while (out.has(name) || OWN_NAMES.has(name)) {
    name = name.replace(/^humanloop\./, "humanloop.field.");
  }
  return name;
}

/** Attributes that are not fields of a Log. */
export const OWN_ATTRIBUTES: ReadonlyArray<
  readonly [names: readonly string[], about: string]
> = [
  [["humanloop.time_source"], "the fields that the times of the span are from"],
  [
    ["humanloop.missing_parent"],
    "a parent that is not in the export, or left out",
  ],
  [
    ["humanloop.evaluation_logs"],
    "the Evaluations, Runs and Datapoints that it counts in",
  ],
  [
    [
      ...["humanloop.evaluation.id", "humanloop.run.id"],
      "humanloop.datapoint.id",
    ],
    "their ids, as lists",
  ],
  [["humanloop.raw"], "a Log that is not JSON, as text"],
  [["humanloop.position"], "where that stands in the export"],
  [
    ["humanloop.escaped"],
    "attributes whose text has U+0000 or half a character, written as \\u0000",
  ],
];

const OWN_NAMES: ReadonlySet<string> = new Set([
  ...OWN_ATTRIBUTES.flatMap(([names]) => names),
  ...VERSION_FIELDS.map(({ to }) => to),
]);
