/**
 * A process of its own that serves a workload with a latency: NAME LATENCY_MS.
 * Pages of Logs are made before the first request, so that what is measured is
 * the latency and not how fast this server prints JSON.
 */
import { serveDemo } from "../../src/demo/server.ts";
import { workload } from "./workloads.ts";

const [name = "", latencyMs = "0"] = Deno.args;
const workspace = workload(name);
const pages = new Map<string, Uint8Array>();
for (const { id, logs } of workspace.files) {
  for (let page = 1; page <= Math.ceil(logs.length / 100); page++) {
    const from = (page - 1) * 100;
    const to = Math.min(page * 100, logs.length);
    const texts = Array.from(
      { length: to - from },
      (_, i) => logs.at(from + i),
    );
    const text =
      `{"records":[${texts}],"page":${page},"size":100,"total":${logs.length}}`;
    pages.set(`${id} ${page}`, new TextEncoder().encode(text));
  }
}

const server = serveDemo(workspace, {
  key: "k",
  before: async ({ pathname, searchParams }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(latencyMs)));
    if (!pathname.endsWith("/logs")) return undefined;
    const key = `${searchParams.get("file_id")} ${searchParams.get("page")}`;
    return new Response(new Uint8Array(pages.get(key)!));
  },
});
await Deno.stdout.write(new TextEncoder().encode(`${server.url}\n`));
