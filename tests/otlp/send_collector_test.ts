/**
 * Sends Logs of every File of the sample workspace to a collector that nobody here
 * wrote: `autotel-mcp`, which npm has. It is fetched for this test, and no part of the
 * program. It flushes its file for each span, so that all Logs would take minutes.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { readSpans } from "../../src/otlp/spans/spans.ts";
import { run } from "../helpers/program.ts";
import { exportTo } from "../report/export_to.ts";
import { fewLogs } from "./few_logs.ts";

const COLLECTOR = "npm:autotel-mcp@0.8.0";
const LOCK = fromFileUrl(new URL("collector.lock", import.meta.url));

/** A running collector. */
interface Collector extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts the collector.
 *
 * @param store The SQLite file that it keeps spans in.
 * @returns `null` where it cannot be had.
 */
async function startCollector(store: string): Promise<Collector | null> {
  const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = free.addr;
  free.close();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "-q", "--no-config", "--frozen"],
      ...[`--lock=${LOCK}`, COLLECTOR],
      ...["--collector-port", String(port), "--persist", store],
      ...["--max-traces", "1000000"],
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let said = "";
  let isUp = false;
  for await (const bytes of child.stderr) {
    said += decoder.decode(bytes, { stream: true });
    isUp = said.includes("OTLP receiver on");
    if (isUp) break;
  }
  const stop = async () => {
    if (isUp) child.kill("SIGKILL");
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  if (isUp) {
    return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
  }
  await stop();
  const reason = `SKIPPED: ${COLLECTOR} does not start: ${
    said.slice(0, 500)
  }\n`;
  await Deno.stderr.write(new TextEncoder().encode(reason));
  return null;
}

/** A value of OTLP/JSON. */
interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

/** A span of OTLP/JSON, as far as the collector keeps it. */
interface SpanJson {
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number };
  readonly attributes: ReadonlyArray<
    { readonly key: string; readonly value: AnyValue }
  >;
}

/** What the collector keeps of a value: none of a list. */
function keptValue(value: AnyValue): string | number | boolean {
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? "";
}

/** The spans of a database as the collector is to have them, by their ids. */
function expectedRows(path: string): Map<string, unknown> {
  const database = openDatabase(path);
  try {
    return new Map(
      readSpans(database, {}).map(
        ({ traceId, spanId, startTime, endTime, json }) => {
          const span = JSON.parse(json) as SpanJson;
          const startMs = Number(startTime / 1_000_000n);
          return [spanId, {
            ...{ traceId, parent: span.parentSpanId ?? null, startMs },
            ...{ name: span.name, isError: span.status.code === 2 },
            durationMs: Number(endTime / 1_000_000n) - startMs,
            attributes: Object.fromEntries(
              span.attributes.map(({ key, value }) => [key, keptValue(value)]),
            ),
          }] as const;
        },
      ),
    );
  } finally {
    database.close();
  }
}

function receivedRows(store: string): Map<string, unknown> {
  const database = new DatabaseSync(store, { readOnly: true });
  try {
    return new Map(
      database.prepare("SELECT * FROM spans").all().map((row) => [
        String(row["span_id"]),
        {
          traceId: row["trace_id"],
          parent: row["parent_span_id"],
          startMs: row["start_time_unix_ms"],
          name: row["operation_name"],
          isError: row["has_error"] === 1,
          durationMs: row["duration_ms"],
          attributes: JSON.parse(String(row["tags"])),
        },
      ]),
    );
  } finally {
    database.close();
  }
}

Deno.test("the OpenTelemetry collector reads every span back: ids, times, parents and texts", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const store = join(dir, "collector.db");
    await using collector = await startCollector(store);
    if (collector === null) return;
    const exported = join(dir, "export");
    await exportTo(exported, fewLogs());
    const { code, err } = await run(
      ["otlp", exported, "--endpoint", collector.url],
      // The collector needs its time.
      { clock: denoRuntime().clock },
    );
    assertEquals(code, 0, err);
    const expected = expectedRows(join(exported, "humanloop.db"));
    const received = receivedRows(store);
    assert(expected.size > 100);
    assertEquals(received.size, expected.size);
    for (const [spanId, row] of expected) {
      assertEquals(received.get(spanId), row);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
