/**
 * Defines where the Version of a Log goes, field by field, and all of it as
 * JSON.
 */
import {
  Attributes,
  numberKind,
  type RenderedAttributes,
} from "./attributes.ts";
import {
  isNumber,
  type LogType,
  type Spelled,
  spelledElements,
  spelledFields,
  textField,
} from "./log_json.ts";

/** A field of a Version, and the attribute that it is copied to. */
interface VersionField {
  readonly field: string;
  readonly to: string;
  /** The types that it is copied for; absent for all. */
  readonly types?: readonly LogType[];
  readonly write: (json: string, out: Attributes, name: string) => void;
}

const MODELS: readonly LogType[] = ["prompt", "agent"];

/** Names of providers that differ from those of the conventions. */
const PROVIDERS: Readonly<Record<string, string>> = {
  openai_azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  google: "gcp.gemini",
};

function asText(json: string, out: Attributes, name: string): void {
  if (json[0] === '"') out.spelledText(name, json);
}

function asProvider(json: string, out: Attributes, name: string): void {
  if (json[0] !== '"') return;
  const provider: string = JSON.parse(json);
  out.text(name, PROVIDERS[provider] ?? provider);
}

function asNumber(json: string, out: Attributes, name: string): void {
  if (isNumber(json) && numberKind(json) !== "text") out.double(name, json);
}

function asCount(json: string, out: Attributes, name: string): void {
  // Leaves out -1, which means no limit.
  if (isNumber(json) && json !== "-1" && numberKind(json) === "whole") {
    out.whole(name, json);
  }
}

function asLevel(json: string, out: Attributes, name: string): void {
  if (json[0] === '"') out.spelledText(name, json);
  else if (isNumber(json)) out.text(name, json);
}

function asTexts(json: string, out: Attributes, name: string): void {
  const all = json[0] === "[" ? spelledElements(json) : [json];
  const texts = all.filter((one) => one[0] === '"');
  if (texts.length > 0) out.texts(name, texts.map((one) => JSON.parse(one)));
}

function field(
  name: string,
  to: string,
  write: VersionField["write"],
  types?: readonly LogType[],
): VersionField {
  return { field: name, to, write, ...types && { types } };
}

/** Where the fields of a Version are copied to. */
export const VERSION_FIELDS: readonly VersionField[] = [
  field("id", "humanloop.file.id", asText),
  field("path", "humanloop.file.path", asText),
  field("path", "gen_ai.prompt.name", asText, ["prompt"]),
  field("name", "gen_ai.agent.name", asText, ["agent", "flow"]),
  field("version_id", "humanloop.version.id", asText),
  field("version_id", "gen_ai.prompt.version", asText, ["prompt"]),
  field("version_name", "humanloop.version.name", asText),
  field("model", "gen_ai.request.model", asText, MODELS),
  field("provider", "gen_ai.provider.name", asProvider, MODELS),
  field("temperature", "gen_ai.request.temperature", asNumber, MODELS),
  field("max_tokens", "gen_ai.request.max_tokens", asCount, MODELS),
  field("top_p", "gen_ai.request.top_p", asNumber, MODELS),
  field("seed", "gen_ai.request.seed", asCount, MODELS),
  field("stop", "gen_ai.request.stop_sequences", asTexts, MODELS),
  field(
    "presence_penalty",
    "gen_ai.request.presence_penalty",
    asNumber,
    MODELS,
  ),
  field(
    "frequency_penalty",
    "gen_ai.request.frequency_penalty",
    asNumber,
    MODELS,
  ),
  field("reasoning_effort", "gen_ai.request.reasoning.level", asLevel, MODELS),
];

const SPAN_KINDS: Readonly<Record<LogType, string>> = {
  prompt: "LLM",
  agent: "AGENT",
  flow: "CHAIN",
  tool: "TOOL",
  evaluator: "EVALUATOR",
};

/**
 * Returns the operation of the conventions for a Log; `null` for an Evaluator.
 */
function operationOf(version: Spelled, type: LogType): string | null {
  if (type === "prompt") {
    const isText = textField(version, "endpoint") === "complete";
    return isText ? "text_completion" : "chat";
  }
  if (type === "agent") return "invoke_agent";
  if (type === "tool") return "execute_tool";
  return type === "flow" ? "invoke_workflow" : null;
}

/**
 * Writes the name of a span: the operation, and its model, Tool, Agent or Flow.
 */
function spanName(version: Spelled, type: LogType): string {
  const operation = operationOf(version, type) ?? "evaluate";
  const name = textField(version, "name") ?? lastName(version);
  const of = type === "prompt"
    ? textField(version, "model")
    : type === "tool"
    ? toolName(version) ?? name
    : name;
  return of === null ? operation : `${operation} ${of}`;
}

function lastName(version: Spelled): string | null {
  return textField(version, "path")?.split("/").at(-1) ?? null;
}

function toolName(version: Spelled): string | null {
  const json = version.get("function");
  return json?.[0] === "{" ? textField(spelledFields(json), "name") : null;
}

/** What all spans of a Version have. */
export interface WrittenVersion {
  readonly spanName: string;
  readonly attributes: RenderedAttributes;
}

/** How many Versions are kept, and the longest JSON of one. */
const KEPT_VERSIONS = 64;
const KEPT_LENGTH = 256 * 1024;

/** Writes Versions, and keeps recent ones: most Logs in a row have the same. */
export class Versions {
  readonly #kept = new Map<string, WrittenVersion>();

  /**
   * Writes a Version.
   *
   * @param json The Version as it is spelled.
   */
  write(json: string, type: LogType): WrittenVersion {
    const key = `${type} ${json}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const version = spelledFields(json);
    const written = {
      spanName: spanName(version, type),
      attributes: versionAttributes(version, json, type),
    };
    if (json.length <= KEPT_LENGTH) {
      if (this.#kept.size === KEPT_VERSIONS) this.#kept.clear();
      // Copies the key: a slice would keep all of the Log's text in memory.
      this.#kept.set(structuredClone(key), structuredClone(written));
    }
    return written;
  }
}

function versionAttributes(
  version: Spelled,
  json: string,
  type: LogType,
): RenderedAttributes {
  const out = new Attributes();
  const operation = operationOf(version, type);
  if (operation !== null) out.text("gen_ai.operation.name", operation);
  out.text("openinference.span.kind", SPAN_KINDS[type]);
  out.text("humanloop.file.type", type);
  for (const { field, to, types, write } of VERSION_FIELDS) {
    const value = version.get(field);
    if (value === undefined || types?.includes(type) === false) continue;
    write(value, out, to);
  }
  const tool = type === "tool" ? toolName(version) : null;
  if (tool !== null) out.text("gen_ai.tool.name", tool);
  out.text("humanloop.version", json);
  return out.rendered();
}
