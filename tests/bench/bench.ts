/**
 * `deno task bench`: the exporter against the demo server with 50 ms latency a
 * request, each in a process of its own. Prints one table. The latency limit is
 * the time that the requests take if nothing but latency counted: requests ÷
 * concurrency × latency.
 */
import { fromFileUrl } from "@std/path";

const LATENCY_MS = 50;
const CONCURRENCY = 16;
const RUNS = 3;

/** Logs are read from their first request to the last chunk in its place. */
interface Measured {
  readonly code: number;
  readonly requests: number;
  readonly wallMs: number;
  readonly logsMs: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** A bare loop over the same pages; 0 where there is none. */
  readonly bareMs: number;
}

function deno(script: string, args: readonly string[], run = false) {
  const path = fromFileUrl(new URL(script, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      ...(run ? ["--allow-read", "--allow-write", "--allow-sys"] : []),
      path,
      ...args,
    ],
    stdout: "piped",
    stderr: "inherit",
  });
}

async function measure(name: string): Promise<Measured> {
  const server = deno("./server.ts", [name, String(LATENCY_MS)]).spawn();
  const reader = server.stdout.getReader();
  const output = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
  try {
    const { value } = await reader.read();
    const url = new TextDecoder().decode(value).trim();
    const exporter = deno(
      "./exporter.ts",
      [url, output, String(CONCURRENCY)],
      true,
    );
    const { stdout } = await exporter.output();
    let bareMs = 0;
    if (name === "one-file") {
      const bare = deno("./bare.ts", [url, String(CONCURRENCY)]);
      const { stdout } = await bare.output();
      bareMs = Number(new TextDecoder().decode(stdout));
    }
    return { ...JSON.parse(new TextDecoder().decode(stdout)), bareMs };
  } finally {
    server.kill("SIGKILL");
    reader.releaseLock();
    await server.stdout.cancel();
    await server.status;
    await Deno.remove(output, { recursive: true });
  }
}

function row(name: string, records: number, one: Measured): string[] {
  const limit = (requests: number) => requests / CONCURRENCY * LATENCY_MS;
  const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
  return [
    name,
    String(one.requests),
    String(Math.round(records / one.wallMs * 1000)),
    percent(limit(one.requests) / one.wallMs),
    one.bareMs > 0 ? percent(limit(200) / one.logsMs) : "",
    one.bareMs > 0 ? percent(limit(200) / one.bareMs) : "",
    one.cpuSeconds.toFixed(2),
    (one.peakBytes / 1e6).toFixed(0),
  ];
}

const rows = [[
  "workload",
  "requests",
  "records/s",
  "of limit",
  "Logs: of limit",
  "bare loop: of limit",
  "CPU s",
  "peak MB",
]];
for (
  const [name, title, records] of [
    ["one-file", "(a) 1 File, 20,000 Logs of 3 kB", 20_000],
    ["small-files", "(b) 200 Files, 2 Versions and 20 Logs each", 4_000],
  ] as const
) {
  const runs: Measured[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await measure(name));
  if (runs.some(({ code }) => code !== 0)) throw new Error("a run failed");
  runs.sort((a, b) => a.wallMs - b.wallMs);
  rows.push(row(title, records, runs[Math.floor(RUNS / 2)]!));
}
const widths = rows[0]!.map((_, i) =>
  Math.max(...rows.map((one) => one[i]!.length))
);
const lines = rows.map((one) =>
  one.map((cell, i) =>
    i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
  ).join("  ")
);
const text = `${lines.join("\n")}
${LATENCY_MS} ms latency, concurrency ${CONCURRENCY}, the median of ${RUNS} runs
`;
await Deno.stdout.write(new TextEncoder().encode(text));
