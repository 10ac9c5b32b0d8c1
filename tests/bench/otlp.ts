/**
 * Spans of large exports to a file: how fast, and in how much memory, which must not
 * grow with the Logs, nor with a trace. Each is a process of its own.
 */
import process from "node:process";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { ensureDatabase } from "../../src/database/ensure.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { writeSpans } from "../../src/otlp/file.ts";
import { readSpans } from "../../src/otlp/spans/spans.ts";
import config from "../../deno.json" with { type: "json" };
import { writeExport } from "./database.ts";

/** What a step came to. */
interface Step {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly bytes: number;
}

async function writeHere(dir: string): Promise<Step> {
  const { disk } = denoRuntime();
  const path = join(dir, "humanloop.db");
  const database = openDatabase(path, { isReadOnce: true });
  const startMs = performance.now();
  const before = process.cpuUsage();
  // Not `maxRSS`, which begins with what the parent had.
  let peak = 0;
  const { bytes } = await writeSpans({
    ...{ disk, to: join(dir, "traces.jsonl"), spans: readSpans(database, {}) },
    onProgress: () => peak = Math.max(peak, Deno.memoryUsage().rss),
  });
  const { user, system } = process.cpuUsage(before);
  return {
    wallMs: performance.now() - startMs,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: peak,
    bytes,
  };
}

async function there(step: string, dir: string): Promise<string> {
  const flags = config.tasks.export.split(" ")
    .filter((word) => word.startsWith("--v8-flags"));
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", ...flags],
      ...["--allow-read", "--allow-write", "--allow-sys"],
      ...[import.meta.filename!, step, dir],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${step} of ${dir} failed`);
  return new TextDecoder().decode(stdout);
}

const WORKLOADS = [
  { title: "10,000 Logs of 3 kB", logs: 10_000, bytes: 3_000 },
  { title: "100,000 Logs of 3 kB", logs: 100_000, bytes: 3_000 },
  {
    title: "100,000 Logs of 3 kB in one trace",
    ...{ logs: 100_000, bytes: 3_000, traceId: "log_root" },
  },
];

/** The rows of the benchmark's table. */
export async function otlpRows(): Promise<readonly (readonly string[])[]> {
  const rows = [[
    ...["workload", "JSONL MB", "OTLP MB", "MB/s", "MB per CPU s"],
    ...["OTLP MB/s", "peak MB"],
  ]];
  for (const { title, ...workload } of WORKLOADS) {
    const dir = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
    try {
      const read = await writeExport(dir, workload);
      await there("build", dir);
      const step: Step = JSON.parse(await there("write", dir));
      rows.push([
        ...[title, (read / 1e6).toFixed(0), (step.bytes / 1e6).toFixed(0)],
        (read / step.wallMs / 1000).toFixed(1),
        (read / step.cpuSeconds / 1e6).toFixed(1),
        (step.bytes / step.wallMs / 1000).toFixed(1),
        (step.peakBytes / 1e6).toFixed(0),
      ]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
  return rows;
}

if (import.meta.main) {
  const [step, dir = ""] = Deno.args;
  if (step === "build") {
    await ensureDatabase({ disk: denoRuntime().disk, dirs: [dir] });
  } else {
    const text = JSON.stringify(await writeHere(dir));
    Deno.stdout.writeSync(new TextEncoder().encode(text));
  }
}
