/**
 * The demo's spans and judgments, read back by the messages that OpenTelemetry
 * publishes: through protobuf and back they are the same.
 */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { all, openDatabase } from "../../src/database/sqlite.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MOST_LINE_BYTES, writeSpans } from "../../src/otlp/file.ts";
import { readSpans, spanIdOf, traceIdOf } from "../../src/otlp/spans/spans.ts";
import { exportTo } from "../report/export_to.ts";
import { runWithPackages } from "../helpers/npm_package.ts";
import { tempDir } from "../helpers/tree.ts";

const PACKAGE =
  "npm:@opentelemetry/otlp-transformer@0.213.0/build/src/generated/root.js";
const at = (name: string) => new URL(name, import.meta.url);

/** Reads lines of traces (`T`) and logs (`L`) by OpenTelemetry's own messages. */
async function throughProtobuf(
  lines: readonly string[],
): Promise<readonly Record<string, unknown>[]> {
  const text = await runWithPackages({
    script: at("protobuf_reader.ts"),
    lock: at("protobuf.lock"),
    args: [PACKAGE],
    input: lines.join("\n"),
  });
  return text.split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );
}

const isThere = await throughProtobuf([]).then(() => true, () => false);
const skipped = `SKIPPED, FOR ${PACKAGE} CANNOT BE LOADED: `;
const name =
  "every span and judgment of the demo comes through protobuf as it was, with the ids, times, parents and texts of its Log";

/** Parses a line as protobuf's own JSON has it, with ids in base64. */
function withIdsInBase64(line: string): unknown {
  return JSON.parse(
    line,
    (key, value) =>
      /^(trace|span|parentSpan)Id$/.test(key)
        ? Buffer.from(value, "hex").toString("base64")
        : value,
  );
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
  name: isThere ? name : skipped + name,
  ignore: !isThere,
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
    const lines = await linesOf(to);
    const judgmentLines = await linesOf(written.judgmentsPath);
    const backs = await throughProtobuf([
      ...lines.map((line) => `T${line}`),
      ...judgmentLines.map((line) => `L${line}`),
    ]);
    assertEquals(backs.length, lines.length + judgmentLines.length);
    for (const [i, line] of lines.entries()) {
      const back = backs[i]!;
      assertEquals(line.length <= MOST_LINE_BYTES, true);
      expectSame(back, withIdsInBase64(line));
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
    for (const [i, line] of judgmentLines.entries()) {
      const back = backs[lines.length + i]!;
      expectSame(back, withIdsInBase64(line));
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
