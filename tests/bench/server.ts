/** A process of its own that serves a workload with a latency: NAME LATENCY_MS. */
import { serveDemo } from "../../src/demo/server.ts";
import { workload } from "./workloads.ts";

const [name = "", latencyMs = "0"] = Deno.args;
const server = serveDemo(workload(name), {
  key: "k",
  before: async () => {
    await new Promise((resolve) => setTimeout(resolve, Number(latencyMs)));
    return undefined;
  },
});
await Deno.stdout.write(new TextEncoder().encode(`${server.url}\n`));
