/** Processes of the benchmark: a server, and the program that measures itself. */
import { fromFileUrl, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };

/** The figures of one run of the program. */
export interface Measured {
  readonly code: number;
  readonly requests: number;
  readonly wallMs: number;
  readonly untilLogsMs: number;
  readonly logsMs: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** A server, and a directory for exports. */
export interface Bench extends AsyncDisposable {
  readonly url: string;
  /** Where exports go. */
  readonly output: string;
}

export const CONCURRENCY = 16;

const words = config.tasks.export.split(" ");

function command(script: string, args: readonly string[]): Deno.Command {
  const path = fromFileUrl(new URL(script, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", "--allow-net=127.0.0.1"],
      ...words.filter((word) => word.startsWith("--v8-flags")),
      ...["--allow-read", "--allow-write", "--allow-sys", path, ...args],
    ],
    stdout: "piped",
    stderr: "inherit",
  });
}

/** Serves a workload, with its latency and what a record before a page costs. */
export async function serve(
  name: string,
  latencyMs: number,
  offsetUs = 0,
): Promise<Bench> {
  const args = [name, String(latencyMs), String(offsetUs)];
  const server = command("./server.ts", args).spawn();
  const reader = server.stdout.getReader();
  const output = await Deno.makeTempDir({ prefix: "hl-export-bench-" });
  const { value } = await reader.read();
  return {
    url: new TextDecoder().decode(value).trim(),
    output,
    [Symbol.asyncDispose]: async () => {
      server.kill("SIGKILL");
      reader.releaseLock();
      await server.stdout.cancel();
      await server.status;
      await Deno.remove(output, { recursive: true });
    },
  };
}

/** Runs the program. */
export async function measure(args: readonly string[]): Promise<Measured> {
  const { stdout } = await command("./exporter.ts", args).output();
  const measured: Measured = JSON.parse(new TextDecoder().decode(stdout));
  if (measured.code !== 0) throw new Error(`exit ${measured.code}: ${args}`);
  return measured;
}

/** Returns the arguments of a new export with Logs. */
export function exportArgs({ url, output }: Bench): readonly string[] {
  return [
    ...["--logs", "--quiet", "--api-url", url, "--output", output],
    ...["--concurrency", String(CONCURRENCY)],
  ];
}

/** Starts an export, and kills it when its last chunks are about to come. */
export async function killedExport(
  bench: Bench,
  isTime: (root: string) => Promise<boolean>,
): Promise<string> {
  const child = command("./exporter.ts", exportArgs(bench)).spawn();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const root = await onlyExport(bench);
    if (root === null || !await isTime(root)) continue;
    child.kill("SIGKILL");
    await child.output();
    return root;
  }
}

/** Finds the export that was made. */
export async function onlyExport({ output }: Bench): Promise<string | null> {
  for await (const { name } of Deno.readDir(output)) return join(output, name);
  return null;
}

/** Times a bare loop over the same 200 pages, in milliseconds. */
export async function bareLoop({ url }: Bench): Promise<number> {
  const bare = command("./bare.ts", [url, String(CONCURRENCY)]);
  const { stdout } = await bare.output();
  return Number(new TextDecoder().decode(stdout));
}
