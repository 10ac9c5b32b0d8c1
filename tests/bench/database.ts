/**
 * The database of large exports: how fast it is built, in how much memory, how
 * large it is, and how fast the pages of the browser over it answer. Each build is a process of its own.
 */
import process from "node:process";
import { join } from "@std/path";
import { serveBrowse } from "../../src/browse/serve.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import config from "../../deno.json" with { type: "json" };

const NEWEST_MS = Date.UTC(2025, 5, 1);
const CHUNK = 1000;
const WORDS =
  "the card was charged twice where is my parcel please help with a refund of this order an error came up when address could not be changed app says nothing about delivery date yet support answered late customer waits since monday invoice number shows wrong amount"
    .split(" ");

/** Some words, others for every number. */
function sentence(seed: number, length: number): string {
  const words: string[] = [];
  for (let i = 0; i < length; i++) {
    const n = (seed * 2_654_435_761 + i * 40_503 + i * i * 7_919) >>> 0;
    words.push(
      i % 9 === 8
        ? `n${(seed * 31 + i) % 200_000}`
        : WORDS[(n >>> 7) % WORDS.length]!,
    );
  }
  return words.join(" ");
}

/** A Log of about so many bytes, in a trace where it is given. */
function benchLog(i: number, bytes: number, traceId?: string): string {
  const time = new Date(NEWEST_MS - i * 1_000).toISOString().slice(0, -1);
  const version = {
    id: "pr_0",
    version_id: `prv_${i % 7}`,
    model: "gpt-4o",
    ...bytes > 1000 && { template: sentence(1, Math.round(bytes / 10)) },
  };
  const log = {
    id: `log_${(i * 2_654_435_761 >>> 0).toString(36)}${i.toString(36)}`,
    prompt: version,
    created_at: time,
    inputs: { ticket: sentence(i, Math.round(bytes / 60)) },
    output: sentence(i + 7, Math.round(bytes / 100)),
    error: i % 50 === 0 ? "the provider timed out" : null,
    provider_latency: (i * 7919 % 5000) / 1000,
    prompt_tokens: 40 + i % 60,
    output_tokens: i % 30,
    prompt_cost: (i % 97) * 1e-6,
    output_cost: 2e-6,
    metadata: { tenant: `t${i % 100}` },
    user: `u-${i % 997}`,
    environment: i % 5 === 0 ? "staging" : "production",
    ...traceId && { trace_id: traceId, trace_parent_id: traceId },
    trace_children: [],
    evaluator_logs: [],
    messages: [] as unknown[],
  };
  const length = JSON.stringify(log).length;
  log.messages = [{
    role: "user",
    content: sentence(i, Math.max(1, Math.round((bytes - length - 30) / 5.6))),
  }];
  return JSON.stringify(log);
}

/** Writes an export of so many Logs, all in one trace if it is given; the bytes of its Logs. */
export async function writeExport(
  dir: string,
  { logs, bytes, traceId }: {
    readonly logs: number;
    readonly bytes: number;
    readonly traceId?: string;
  },
): Promise<number> {
  const file = join(dir, "files/pr_0");
  await Deno.mkdir(join(file, "versions"), { recursive: true });
  await Deno.mkdir(join(file, "logs"));
  const json = { id: "pr_0", type: "prompt", path: "bench/prompt" };
  await Deno.writeTextFile(join(file, "file.json"), JSON.stringify(json));
  await Deno.writeTextFile(join(file, "deployments.json"), "[]");
  for (let i = 0; i < 7; i++) {
    const version = { ...json, version_id: `prv_${i}`, version_name: `v${i}` };
    const path = join(file, `versions/prv_${i}`);
    await Deno.writeTextFile(path, JSON.stringify(version));
  }
  let written = 0;
  for (let from = 0; from < logs; from += CHUNK) {
    const lines = Array.from(
      { length: Math.min(CHUNK, logs - from) },
      (_, i) => benchLog(from + i, bytes, traceId) + "\n",
    ).join("");
    written += lines.length;
    const path = join(file, `logs/${from / CHUNK + 1}.jsonl`);
    await Deno.writeTextFile(path, lines);
  }
  return written;
}

/** The figures of one build. */
interface Built {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly bytes: number;
}

async function buildHere(dir: string, fullText: boolean): Promise<Built> {
  const startMs = performance.now();
  // Not `maxRSS`, which begins with what the parent had.
  let peak = 0;
  const { bytes } = await buildDatabase({
    onProgress: () => peak = Math.max(peak, Deno.memoryUsage().rss),
    ...{ disk: denoRuntime().disk, dirs: [dir], fullText },
    to: join(dir, fullText ? "humanloop.db" : "bare.db"),
  });
  const { user, system } = process.cpuUsage();
  return {
    wallMs: performance.now() - startMs,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: peak,
    bytes,
  };
}

/** A process of its own that does one step of this benchmark. */
function stepCommand(args: readonly string[]): Deno.Command {
  const flags = config.tasks.export.split(" ")
    .filter((word) => word.startsWith("--v8-flags"));
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", ...flags],
      ...["--allow-read", "--allow-write", "--allow-sys"],
      ...["--allow-net=127.0.0.1", import.meta.filename!, ...args],
    ],
    stdout: "piped",
    stderr: "inherit",
  });
}

async function buildThere(dir: string, fullText: boolean): Promise<Built> {
  const { stdout, success } = await stepCommand([
    "build",
    dir,
    String(fullText),
  ]).output();
  if (!success) throw new Error(`the build of ${dir} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Pages that are asked for, and how long each may take, in milliseconds. */
const PAGES: ReadonlyArray<readonly [address: string, mostMs: number]> = [
  ...[["logs", 300], ["logs?last=1", 300], ["logs?sort=latency", 300]] as const,
  ...[["logs?sort=cost&order=asc&last=1", 300]] as const,
  ...[["logs?user=u-17", 300], ["logs?user=u-17&last=1", 300]] as const,
  ...[["logs?environment=staging&error=1", 300]] as const,
  ...[["logs?file=pr_0&version=prv_3&last=1", 300]] as const,
  ...[["logs?from=2025-05-25&to=2025-05-26", 300]] as const,
  ...[["logs?q=parcel", 500], ["logs?q=n77*", 500]] as const,
  ...[["logs?q=%22support+answered%22", 500]] as const,
  ...[["logs?q=parcel&user=u-17", 500], ["logs?q=parcel&last=1", 500]] as const,
  ...[["logs?q=parcel&environment=staging", 500]] as const,
  ...[["logs?q=parcel&sort=latency", 500]] as const,
  ...[["log?number=500000", 50], ["files/pr_0", 300]] as const,
];

/**
 * Measures how long pages of a database take, and how long the processor works
 * for them, each requested for the first time and again.
 */
async function pageRows(dir: string): Promise<readonly (readonly string[])[]> {
  const server = stepCommand(["serve", dir]).spawn();
  const reader = server.stdout.getReader();
  const { value } = await reader.read();
  const [costUrl = "", url = ""] = new TextDecoder().decode(value).split(" ");
  const cpuMs = async () => Number(await (await fetch(costUrl)).text());
  const rows = [[
    ...["page", "first ms", "CPU ms", "then ms", "CPU ms", "at most"],
  ]];
  for (const [address, mostMs] of PAGES) {
    const times: string[] = [];
    for (let i = 0; i < 2; i++) {
      const beforeMs = await cpuMs();
      const startMs = performance.now();
      const response = await fetch(url + address);
      await response.text();
      if (!response.ok) throw new Error(`${address}: ${response.status}`);
      times.push((performance.now() - startMs).toFixed(0));
      times.push((await cpuMs() - beforeMs).toFixed(0));
    }
    rows.push([address, ...times, String(mostMs)]);
  }
  server.kill("SIGKILL");
  reader.releaseLock();
  await server.stdout.cancel();
  await server.status;
  return rows;
}

/** The rows of the benchmark's tables: of builds, and of pages over the first workload. */
export async function databaseRows(
  workloads: ReadonlyArray<{ readonly logs: number; readonly bytes: number }>,
): Promise<{
  readonly builds: readonly (readonly string[])[];
  readonly pages: readonly (readonly string[])[];
}> {
  let pages: readonly (readonly string[])[] = [];
  const rows = [[
    ...[
      "Logs × bytes",
      "JSONL MB",
      "full text",
      "MB/s",
      "MB per CPU s",
      "CPU s",
      "peak MB",
    ],
    "size ÷ JSONL",
  ]];
  for (const { logs, bytes } of workloads) {
    const dir = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
    try {
      const written = await writeExport(dir, { logs, bytes });
      for (const fullText of [false, true]) {
        const built = await buildThere(dir, fullText);
        rows.push([
          `${logs} × ${bytes}`,
          (written / 1e6).toFixed(0),
          fullText ? "yes" : "no",
          (written / built.wallMs / 1000).toFixed(1),
          (written / built.cpuSeconds / 1e6).toFixed(1),
          built.cpuSeconds.toFixed(1),
          (built.peakBytes / 1e6).toFixed(0),
          (built.bytes / written).toFixed(2),
        ]);
      }
      if (pages.length === 0) pages = await pageRows(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
  return { builds: rows, pages };
}

if (import.meta.main) {
  const print = (text: string) =>
    void Deno.stdout.writeSync(new TextEncoder().encode(text));
  const [step, dir = "", ...more] = Deno.args;
  if (step === "build") {
    print(JSON.stringify(await buildHere(dir, more[0] === "true")));
  } else if (step === "write") {
    const [logs = 0, bytes = 0] = more.map(Number);
    print(`${await writeExport(dir, { logs, bytes })}\n`);
  } else if (step === "serve") {
    // Answers how long the processor has worked for this process.
    const cost = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => {
        const { user, system } = process.cpuUsage();
        return new Response(String((user + system) / 1000));
      },
    );
    await serveBrowse({
      database: join(dir, "humanloop.db"),
      onListen: (url) => print(`http://127.0.0.1:${cost.addr.port} ${url}`),
    });
  }
}
