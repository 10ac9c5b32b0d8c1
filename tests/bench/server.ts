/**
 * A process of its own that serves a workload: NAME LATENCY_MS OFFSET_US. Each
 * answer takes the latency, and each page so many microseconds for every record
 * before it, as on a database. `/v5/cost` tells how much time that was in all.
 */
import { serveDemo } from "../../src/demo/server.ts";
import { workload } from "./workloads.ts";

const [name = "", latencyMs = "0", offsetUs = "0"] = Deno.args;
const workspace = workload(name);
const pages = new Map<string, Uint8Array<ArrayBuffer>>();
const [logs] = workspace.files.map((file) => file.logs);
let costMs = 0;

/** Heavy pages are made once, so that not this server's printing is measured. */
function pageOf(page: number, size: number): Uint8Array<ArrayBuffer> {
  const key = `${page} ${size}`;
  const known = pages.get(key);
  if (known !== undefined) return known;
  const texts: string[] = [];
  for (let i = (page - 1) * size; i < page * size && i < logs!.length; i++) {
    texts.push(logs!.at(i)!);
  }
  const text = `{"records":[${texts}],"page":${page},"size":${size},"total":${
    logs!.length
  }}`;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 100_000) pages.set(key, bytes);
  return bytes;
}

const server = serveDemo(workspace, {
  key: "k",
  before: async ({ pathname, searchParams }) => {
    if (pathname === "/v5/cost") return new Response(String(costMs));
    const page = Number(searchParams.get("page") ?? 1);
    const size = Number(searchParams.get("size") ?? 0);
    const ms = Number(latencyMs) + (page - 1) * size * Number(offsetUs) / 1000;
    costMs += ms;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    const isPlain = pathname.endsWith("/logs") &&
      !searchParams.has("start_date") && !searchParams.has("end_date");
    return isPlain ? new Response(pageOf(page, size)) : undefined;
  },
});
await Deno.stdout.write(new TextEncoder().encode(`${server.url}\n`));
