/** A process of its own that runs the program and measures itself: ARGS… */
import process from "node:process";
// Loaded before the time counts, as all else is.
import "../../src/cli/commands/export.ts";
import { main } from "../../src/cli/main.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";

const runtime = denoRuntime();
const startMs = performance.now();
let requests = 0;
let firstLogMs = 0;
let lastMs = 0;
const code = await main(Deno.args, {
  ...runtime,
  terminal: { ...runtime.terminal, out() {}, err() {} },
  env: (name) => name === "HUMANLOOP_API_KEY" ? "hl_sk_0123456789" : undefined,
  fetch: (input, init) => {
    requests++;
    if (firstLogMs === 0 && String(input).includes("/logs")) {
      firstLogMs = performance.now();
    }
    return runtime.fetch(input, init);
  },
  disk: {
    ...runtime.disk,
    rename: async (from, to) => {
      await runtime.disk.rename(from, to);
      if (to.includes("logs")) lastMs = performance.now();
    },
  },
});
const { user, system } = process.cpuUsage();
const result = {
  code,
  requests,
  wallMs: performance.now() - startMs,
  /** Until the first request for Logs. */
  untilLogsMs: firstLogMs - startMs,
  /** From the first request for Logs to the last chunk committed. */
  logsMs: lastMs - firstLogMs,
  cpuSeconds: (user + system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(result)));
