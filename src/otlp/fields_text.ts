/**
 * Writes for `--help` where fields go, from the tables by which spans are made,
 * and how a collector reads the files.
 */
import { wrapText } from "../ui/text.ts";
import { JUDGMENT_ATTRIBUTES } from "./spans/judgments.ts";
import { CONVENTIONS, LOG_FIELDS, OWN_ATTRIBUTES } from "./spans/fields.ts";
import { VERSION_FIELDS } from "./spans/version_fields.ts";

const COLUMNS = 80;
const NAME_COLUMNS = 23;

/** Writes all of it, in lines that fit a screen. */
export function detailsText(): string {
  return `${fieldsText()}

The collector reads the files, for endpoints that take no JSON:
${COLLECTOR}`;
}

/** Writes the table of fields. */
export function fieldsText(): string {
  return [
    `Where fields go (OpenTelemetry ${CONVENTIONS}; OpenInference):`,
    ...LOG_FIELDS.flatMap(({ fields, to }) => row(fields.join(", "), to)),
    ...row("any other", "humanloop. and its name; an object or a list as JSON"),
    "Of its Version:",
    ...versionRows(),
    "Of its judgments (i from 0), and as gen_ai.evaluation.result events:",
    ...JUDGMENT_ATTRIBUTES.flatMap(([field, to]) => row(field, to)),
    "Besides:",
    ...OWN_ATTRIBUTES.flatMap(([names, about]) => row(names.join(", "), about)),
  ].join("\n");
}

/**
 * Makes a row for each field; those that keep their name under
 * `gen_ai.request.` share one.
 */
function versionRows(): readonly string[] {
  const byField = new Map<string, string[]>();
  for (const { field, to, types } of VERSION_FIELDS) {
    const key = to === `gen_ai.request.${field}` ? "" : field;
    const only = types?.length === 1 ? ` (${types[0]})` : "";
    byField.set(key, [...byField.get(key) ?? [], key ? to + only : field]);
  }
  const { "": same = [], ...others } = Object.fromEntries(byField);
  return [
    ...Object.entries(others).flatMap(([field, to]) =>
      row(field, to.join(", "))
    ),
    ...row(same.join(", "), "gen_ai.request. and its name"),
  ];
}

function row(name: string, about: string): readonly string[] {
  const indent = " ".repeat(NAME_COLUMNS + 2);
  const [first = "", ...rest] = wrapText(about, COLUMNS - indent.length);
  const lines = rest.map((line) => indent + line);
  if (name.length < NAME_COLUMNS) {
    return [`  ${name.padEnd(NAME_COLUMNS)}${first}`.trimEnd(), ...lines];
  }
  const names = wrapText(name, COLUMNS - 2).map((line) => `  ${line}`);
  return about === "" ? names : [...names, indent + first, ...lines];
}

/** Explains how the OpenTelemetry collector reads the files. */
const COLLECTOR = `receivers:
  otlpjsonfile/spans:
    include: [/data/traces.jsonl]
    start_at: beginning
    max_log_size: 100MiB      # the longest line; a Log is never divided
  otlpjsonfile/judgments:
    include: [/data/traces.judgments.jsonl]
    start_at: beginning
    max_log_size: 100MiB
exporters:
  otlphttp: {endpoint: "https://…"}
service:
  pipelines:
    traces: {receivers: [otlpjsonfile/spans], exporters: [otlphttp]}
    logs: {receivers: [otlpjsonfile/judgments], exporters: [otlphttp]}`;
