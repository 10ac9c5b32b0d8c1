/**
 * A process of its own that serves a workload: NAME LATENCY_MS OFFSET_US. Each
 * answer takes the latency, and each page so many microseconds for every record
 * before it, as on a database. `/v5/cost` says how much time that was in all.
 */
import { concat } from "../../src/core/text/bytes.ts";
import { between } from "../../src/demo/dates.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { workload } from "./workloads.ts";

const [name = "", latencyMs = "0", offsetUs = "0"] = Deno.args;
const workspace = workload(name);
const { logs } = workspace.files[0]!;
const encoder = new TextEncoder();
let costMs = 0;

/** All Logs with commas between them, so that not this server's printing is measured. */
const all = logs.length <= 100_000 ? encoder.encode(textOfAll()) : null;
const each = logs.length > 0 ? logs.at(0)!.length + 1 : 0;

function textOfAll(): string {
  let text = "";
  for (let i = 0; i < logs.length; i++) text += `${logs.at(i)},`;
  return text;
}

/** Makes a page of all Logs. */
function pageOf(page: number, size: number): Uint8Array<ArrayBuffer> {
  const from = Math.min((page - 1) * size, logs.length);
  const to = Math.min(page * size, logs.length);
  const envelope = `],"page":${page},"size":${size},"total":${logs.length}}`;
  return concat([
    encoder.encode(`{"records":[`),
    all!.subarray(from * each, Math.max(from * each, to * each - 1)),
    encoder.encode(envelope),
  ]) as Uint8Array<ArrayBuffer>;
}

const server = serveDemo(workspace, {
  key: "hl_sk_0123456789",
  before: async (url) => {
    const { pathname, searchParams } = url;
    if (pathname === "/v5/cost") return new Response(String(costMs));
    const page = Number(searchParams.get("page") ?? 1);
    const size = Number(searchParams.get("size") ?? 0);
    const ms = Number(latencyMs) + (page - 1) * size * Number(offsetUs) / 1000;
    costMs += ms;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    if (all === null || !pathname.endsWith("/logs")) return undefined;
    const isAll = between(logs, url, {}).length === logs.length;
    return isAll ? new Response(pageOf(page, size)) : undefined;
  },
});
await Deno.stdout.write(new TextEncoder().encode(`${server.url}\n`));
