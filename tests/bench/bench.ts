/**
 * `deno task bench`: the program against a server on loopback, each in a process
 * of its own. Prints tables; machines are noisy, so compare ratios of one run.
 */
import { build } from "../../src/build/build.ts";
import { aligned } from "../../src/ui/text.ts";
import { overviewPage } from "../../src/report/overview.ts";
import { Browser, findBrowser } from "../helpers/browser.ts";
import { otlpRows } from "./otlp.ts";
import { manyFiles } from "../report/many_files.ts";
import { databaseRows } from "./database.ts";
import {
  bareLoop,
  CONCURRENCY,
  exportArgs,
  killedExport,
  measure,
  type Measured,
  onlyExport,
  serve,
} from "./measure.ts";

const LATENCY_MS = 50;
const RUNS = 3;

const print = (text: string) =>
  void Deno.stdout.writeSync(new TextEncoder().encode(text));
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

function table(title: string, rows: readonly (readonly string[])[]): void {
  print(`${title}\n${aligned(rows).join("\n")}\n\n`);
}

/**
 * The latency limit is the time that the requests take if nothing but latency
 * counted: requests ÷ concurrency × latency.
 */
async function latency(): Promise<void> {
  const rows = [[
    ...["workload", "requests", "records/s", "of limit", "Logs: of limit"],
    ...["bare loop: of limit", "CPU s", "peak MB"],
  ]];
  for (
    const [name, title, records] of [
      ["1x20000x3000", "(a) 1 File, 20,000 Logs of 3 kB", 20_000],
      ["200x20x3000", "(b) 200 Files, 2 Versions and 20 Logs each", 4_000],
    ] as const
  ) {
    const isOne = name.startsWith("1x");
    const runs: Array<Measured & { readonly bareMs: number }> = [];
    for (let i = 0; i < RUNS; i++) {
      await using bench = await serve(name, LATENCY_MS);
      const measured = await measure(exportArgs(bench));
      runs.push({ ...measured, bareMs: isOne ? await bareLoop(bench) : 0 });
    }
    const one = runs.sort((a, b) => a.wallMs - b.wallMs)[RUNS >> 1]!;
    const limit = (requests: number) => requests / CONCURRENCY * LATENCY_MS;
    rows.push([
      title,
      String(one.requests),
      String(Math.round(records / one.wallMs * 1000)),
      percent(limit(one.requests) / one.wallMs),
      isOne ? percent(limit(one.requests - 5) / one.logsMs) : "",
      isOne ? percent(limit(200) / one.bareMs) : "",
      one.cpuSeconds.toFixed(2),
      megabytes(one.peakBytes),
    ]);
  }
  table(
    `${LATENCY_MS} ms latency, concurrency ${CONCURRENCY}, the median of ${RUNS} runs`,
    rows,
  );
}

/**
 * Measures what a Log costs where every record before a page costs, and what it
 * takes in memory.
 */
async function length(): Promise<void> {
  const rows = [[
    ...["Logs of 200 B in one File", "requests", "server ms a 1000 Logs"],
    ...["of the first", "records/s", "peak MB", "of the first"],
  ]];
  let first: { readonly cost: number; readonly peak: number } | null = null;
  for (const records of [10_000, 100_000, 1_000_000]) {
    await using bench = await serve(`1x${records}x200`, 5, 2);
    const one = await measure(exportArgs(bench));
    const answer = await fetch(`${bench.url}/cost`);
    const cost = Number(await answer.text()) / records * 1000;
    const peak = one.peakBytes;
    first ??= { cost, peak };
    rows.push([
      String(records),
      String(one.requests),
      cost.toFixed(0),
      percent(cost / first.cost),
      String(Math.round(records / one.wallMs * 1000)),
      megabytes(peak),
      percent(peak / first.peak),
    ]);
    if (records === 1_000_000) await verifySpeed((await onlyExport(bench))!);
  }
  table("A page takes 5 ms, and 2 µs for every record before it", rows);
}

async function verifySpeed(root: string): Promise<void> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(`${root}/files/pr_0/logs`)) {
    bytes += (await Deno.stat(`${root}/files/pr_0/logs/${name}`)).size;
  }
  const one = await measure(["verify", root]);
  table("verify", [
    ["workload", "MB", "MB/s", "CPU s", "peak MB"],
    [
      "1,000,000 Logs of 200 B",
      megabytes(bytes),
      (bytes / 1e3 / one.wallMs).toFixed(0),
      one.cpuSeconds.toFixed(2),
      megabytes(one.peakBytes),
    ],
  ]);
}

async function verifyHeavy(): Promise<void> {
  await using bench = await serve("1x100000x3000", 0);
  await measure(exportArgs(bench));
  const one = await measure(["verify", (await onlyExport(bench))!]);
  table("verify", [
    ["workload", "MB", "MB/s", "CPU s", "peak MB"],
    [
      "100,000 Logs of 3 kB",
      "300",
      (300_000 / one.wallMs).toFixed(0),
      one.cpuSeconds.toFixed(2),
      megabytes(one.peakBytes),
    ],
  ]);
}

async function heavyLog(): Promise<void> {
  await using bench = await serve("1x1x50000000", 0);
  const one = await measure(exportArgs(bench));
  table("One Log of 50 MB", [
    ["s", "peak MB"],
    [(one.wallMs / 1000).toFixed(1), megabytes(one.peakBytes)],
  ]);
}

/** Measures how soon a resume does something useful. */
async function resume(): Promise<void> {
  await using bench = await serve("1000x1000x200", 0);
  const root = await killedExport(bench, async (root) => {
    let done = 0;
    for (let i = 980; i < 1_000; i++) {
      const path = `${root}/files/pr_${i}/.done`;
      done += await Deno.stat(path).then(() => 1, () => 0);
    }
    return done > 0;
  });
  const api = ["--api-url", bench.url];
  const one = await measure(["--resume", root, "--quiet", ...api]);
  table("A resume on 1,000 Files and 1,000,000 Logs, killed near the end", [
    ["s until it asks for Logs", "requests", "s in all", "peak MB"],
    [
      (one.untilLogsMs / 1000).toFixed(2),
      String(one.requests),
      (one.wallMs / 1000).toFixed(1),
      megabytes(one.peakBytes),
    ],
  ]);
}

/** Measures how soon the built program answers, once it was unpacked. */
async function startup(): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
  try {
    if (await build(dir) !== 0) throw new Error("it cannot be built");
    const path = `${dir}/hl-export`;
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      const startMs = performance.now();
      const command = new Deno.Command("sh", {
        args: ["-c", `exec "$0" --help`, path],
        env: { XDG_CACHE_HOME: `${dir}/cache` },
      });
      await command.output();
      times.push(performance.now() - startMs);
    }
    const [first, ...rest] = times;
    const { size } = await Deno.stat(path);
    table("The built program's --help", [
      ["MB", "first start, ms", "later, ms (median)"],
      [
        megabytes(size),
        first!.toFixed(0),
        rest.sort((a, b) => a - b)[3]!.toFixed(0),
      ],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Measures how soon the overview of 10,000 Files is there, and answers a search. */
async function pages(): Promise<void> {
  const command = await findBrowser();
  if (command === null) return print("No Chromium is installed: no pages\n\n");
  const dir = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
  try {
    const path = `${dir}/index.html`;
    await Deno.writeTextFile(path, overviewPage(manyFiles(10_000)).join(""));
    await using browser = await Browser.start(command);
    await using tab = await browser.open(path, { width: 1200, height: 900 });
    const opened = await tab.run<number>(
      `performance.getEntriesByType("navigation")[0].loadEventEnd`,
    );
    const searched = await tab.run<number[]>(`
      ["f", "fi", "file 77", "pr_9", "team 3 project 4", "nothing", ""]
        .map((words) => {
          const startMs = performance.now();
          document.getElementById("query").value = words;
          document.getElementById("query").dispatchEvent(new Event("input"));
          document.body.offsetHeight;
          return performance.now() - startMs;
        })`);
    const { size } = await Deno.stat(path);
    table("The overview of 10,000 Files in Chromium", [
      ["MB", "opened, ms", "search answered, ms (worst)"],
      [
        (size / 1e6).toFixed(1),
        opened.toFixed(0),
        Math.max(...searched).toFixed(0),
      ],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  await using bench = await serve("1000x20x3000", 0);
  const whole = await measure(exportArgs(bench));
  const one = await measure(["index", (await onlyExport(bench))!]);
  table("The pages of 1,000 Files, 2 Versions and 20 Logs of 3 kB each", [
    ["s", "of the export's s", "peak MB"],
    [
      (one.wallMs / 1000).toFixed(1),
      percent(one.wallMs / whole.wallMs),
      megabytes(one.peakBytes),
    ],
  ]);
}

/** Measures the spans of a database. */
async function otlp(): Promise<void> {
  table("otlp: spans to a file, the database being there", await otlpRows());
}

/** Measures the database of many Logs, and the pages over it. */
async function database(): Promise<void> {
  const { builds, pages } = await databaseRows([
    { logs: 1_000_000, bytes: 600 },
    { logs: 100_000, bytes: 3_000 },
  ]);
  table("The database of an export", builds);
  table("Pages of browse over 1,000,000 Logs", pages);
}

// A process is reported to have been as large as the one that started it, so what
// makes this one large comes last.
const PARTS = {
  latency,
  length,
  verifyHeavy,
  heavyLog,
  resume,
  otlp,
  pages,
  startup,
  database,
};
for (const [name, part] of Object.entries(PARTS)) {
  if (Deno.args.length === 0 || Deno.args.includes(name)) await part();
}
