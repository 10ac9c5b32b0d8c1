/** Makes exports of a few Logs, and reads their spans. */
import { dirname, join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { expectedSpans } from "../../src/otlp/counts.ts";
import {
  readSpans,
  type SpanFilters,
  type SpanRecord,
} from "../../src/otlp/spans/spans.ts";
import type { Target } from "../../src/otlp/targets.ts";
import { reconcile, SpanCounter } from "../../src/otlp/totals.ts";

const { disk } = denoRuntime();

/** The types of File, by how their ids begin. */
const TYPES = {
  pr: "prompt",
  tl: "tool",
  ev: "evaluator",
  fl: "flow",
  ag: "agent",
} as const;

/** Lines of Logs by the ids of their Files: `pr_1`, `fl_1`. */
export type Lines = Readonly<Record<string, readonly string[]>>;

/** Writes an export of these Logs. */
export async function writeLogs(root: string, lines: Lines): Promise<void> {
  for (const [id, logs] of Object.entries(lines)) {
    const type = TYPES[id.slice(0, 2) as keyof typeof TYPES];
    const file = { id, type, path: `Some/${id}` };
    const texts = {
      "file.json": JSON.stringify(file),
      "deployments.json": "[]",
      "versions/v1": JSON.stringify({ ...file, version_id: "v1" }),
      ".done": "",
      "logs/1.jsonl": logs.map((line) => `${line}\n`).join(""),
    };
    for (const [name, text] of Object.entries(texts)) {
      const path = join(root, "files", id, name);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
  }
}

/** A value of OTLP/JSON. */
interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

/** A span, with its attributes by name. */
export interface ReadSpan {
  readonly record: SpanRecord;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: ReadonlyArray<
    { readonly traceId: string; readonly spanId: string }
  >;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The attributes of OTLP/JSON by name; a name that comes twice is an error. */
export function attributesOf(
  list: ReadonlyArray<{ readonly key: string; readonly value: AnyValue }>,
): Readonly<Record<string, unknown>> {
  const attributes: Record<string, unknown> = {};
  for (const { key, value } of list) {
    if (key in attributes) throw new Error(`${key} is there twice`);
    attributes[key] = plain(value);
  }
  return attributes;
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(plain);
  if (value.intValue !== undefined) return BigInt(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}

/** Parses a span. */
export function readSpan(record: SpanRecord): ReadSpan {
  const span = JSON.parse(record.json);
  return { record, ...span, attributes: attributesOf(span.attributes) };
}

/** Reads the spans of exports; it must all add up. */
export async function spansIn(
  dirs: readonly string[],
  filters: SpanFilters = {},
  target?: Target,
): Promise<readonly ReadSpan[]> {
  const { path } = await buildDatabase({ disk, dirs });
  const database = openDatabase(path);
  try {
    const counter = new SpanCounter();
    const records = [...readSpans(database, filters, target)];
    records.forEach((one) => counter.add(one));
    const expected = expectedSpans(database, filters);
    const sum = reconcile(expected, counter.totals(), false);
    if (!sum.isComplete) throw new Error(JSON.stringify(sum));
    return records.map(readSpan);
  } finally {
    database.close();
  }
}

/** Reads the spans of these Logs, by the ids of the Logs. */
export async function spansOf(
  root: string,
  lines: Lines,
  filters: SpanFilters = {},
  target?: Target,
): Promise<ReadonlyMap<string, ReadSpan>> {
  await writeLogs(root, lines);
  const spans = await spansIn([root], filters, target);
  return new Map(spans.map((span) => [span.record.logId, span]));
}
