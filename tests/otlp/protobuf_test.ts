/**
 * The demo's spans and judgments, read back by the messages that OpenTelemetry
 * publishes: through protobuf and back they are the same.
 */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { all, openDatabase } from "../../src/database/sqlite.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MOST_LINE_BYTES, writeSpans } from "../../src/otlp/file.ts";
import { readSpans, spanIdOf, traceIdOf } from "../../src/otlp/spans.ts";
import { exportTo } from "../report/export_to.ts";
import { tempDir } from "../helpers/tree.ts";

/** A message of protobufjs. */
interface MessageType {
  verify(message: object): string | null;
  fromObject(value: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): Record<string, unknown>;
}

/** The messages that a line of each kind is. */
interface Published {
  readonly trace: { readonly v1: { readonly TracesData: MessageType } };
  readonly logs: { readonly v1: { readonly LogsData: MessageType } };
}

/** OpenTelemetry's own messages; `null` where the tool cannot be had. */
async function published(): Promise<Published | null> {
  try {
    // The package has types for its front door only.
    const { default: root } = await import(
      "otlp-transformer/build/src/generated/root.js"
    ) as unknown as {
      readonly default: { readonly opentelemetry: { proto: Published } };
    };
    return root.opentelemetry.proto;
  } catch {
    return null;
  }
}

const proto = await published();
const skipped = "SKIPPED, FOR @opentelemetry/otlp-transformer CANNOT BE HAD: ";
const name =
  "every span and judgment of the demo comes through protobuf as it was, with the ids, times, parents and texts of its Log";

/** Reads a line of OTLP/JSON as a receiver does, by way of bytes of protobuf. */
function throughProtobuf(type: MessageType, line: string) {
  // Ids are hexadecimal in OTLP/JSON, where protobuf's own JSON has base64.
  const value = JSON.parse(
    line,
    (key, value) =>
      /^(trace|span|parentSpan)Id$/.test(key)
        ? Buffer.from(value, "hex").toString("base64")
        : value,
  );
  const message = type.fromObject(value);
  assertEquals(type.verify(message), null);
  const decoded = type.decode(type.encode(message).finish());
  return {
    value,
    back: type.toObject(decoded, { longs: String, bytes: String }),
  };
}

/** Compares quickly, and shows the difference where there is one. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) assertEquals(actual, expected);
}

async function linesOf(path: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").slice(0, -1);
}

/** Records within lines, two levels down. */
function recordsIn(
  back: Record<string, unknown>,
  names: readonly string[],
): readonly Record<string, unknown>[] {
  let level: Record<string, unknown>[] = [back];
  for (const name of names) {
    level = level.flatMap((one) => one[name] as Record<string, unknown>[]);
  }
  return level;
}

const hex = (base64: unknown) =>
  typeof base64 === "string"
    ? Buffer.from(base64, "base64").toString("hex")
    : undefined;

function textsOf(
  record: Record<string, unknown>,
): ReadonlyMap<string, unknown> {
  const list = record["attributes"] as ReadonlyArray<
    { key: string; value: { stringValue?: string } }
  >;
  return new Map(list.map(({ key, value }) => [key, value.stringValue]));
}

Deno.test({
  name: proto === null ? skipped + name : name,
  ignore: proto === null,
  fn: async () => {
    await using dir = await tempDir();
    const exportDir = join(dir.path, "export");
    await exportTo(exportDir, sampleWorkspace());
    const { disk } = denoRuntime();
    const { path } = await buildDatabase({ disk, dirs: [exportDir] });
    const database = openDatabase(path);
    const to = join(dir.path, "traces.jsonl");
    const written = await writeSpans({
      ...{ disk, to, spans: readSpans(database, {}) },
    });
    const logs = new Map(
      all(
        database,
        `SELECT id, coalesce(trace_id, id) AS root, trace_parent_id,
         start_time, end_time, output FROM logs`,
      ).map((row) => [spanIdOf(String(row["id"])), row]),
    );
    database.close();
    let spans = 0;
    for (const line of await linesOf(to)) {
      assertEquals(line.length <= MOST_LINE_BYTES, true);
      const { value, back } = throughProtobuf(proto!.trace.v1.TracesData, line);
      expectSame(back, value);
      for (
        const span of recordsIn(back, ["resourceSpans", "scopeSpans", "spans"])
      ) {
        const id = hex(span["spanId"])!;
        const log = logs.get(id)!;
        logs.delete(id);
        const texts = textsOf(span);
        const parent = log["trace_parent_id"];
        assertEquals([
          ...[hex(span["traceId"]), hex(span["parentSpanId"])],
          ...[span["startTimeUnixNano"], span["endTimeUnixNano"]],
          texts.get("output.value") ?? null,
        ], [
          traceIdOf(String(log["root"])),
          parent === null ? undefined : spanIdOf(String(parent)),
          ...[nanos(log["start_time"]), nanos(log["end_time"])],
          log["output"] ?? texts.get("output.value") ?? null,
        ]);
        spans++;
      }
    }
    assertEquals([spans, logs.size], [written.spans, 0]);
    let judgments = 0;
    for (const line of await linesOf(written.judgmentsPath)) {
      const { value, back } = throughProtobuf(proto!.logs.v1.LogsData, line);
      expectSame(back, value);
      judgments += recordsIn(back, [
        ...["resourceLogs", "scopeLogs", "logRecords"],
      ]).length;
    }
    assertEquals(judgments, written.judgments);
    assertEquals([written.spans, written.judgments], [8762, 3516]);
  },
});

/** The time of the demo, which has microseconds. */
function nanos(time: unknown): string {
  const [, seconds = "", fraction = ""] = /^(.*)\.(\d{6})$/.exec(
    String(time),
  )!;
  return `${Date.parse(`${seconds}Z`) / 1000}${fraction}000`;
}
