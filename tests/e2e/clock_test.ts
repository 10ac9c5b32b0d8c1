/**
 * What is exported is what existed when the run began, whatever this machine's
 * clock says and however the server reads dates.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { CLASSIFIER } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import {
  asksForLogs,
  datedLogs,
  type Disturbed,
  MemoryExport,
  workspaceOf,
} from "../helpers/memory_export.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";

const BIG = CLASSIFIER.id;
const LOGS = `files/${BIG}/logs`;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** What the clock of a run shows, unless a test says otherwise. */
const NOW_MS = Date.UTC(2025, 5, 1);

/** Exports Logs, and expects all of them, in their order. */
async function assertAllExported(
  logs: readonly string[],
  disturbed: Disturbed = {},
): Promise<void> {
  const made = new MemoryExport(workspaceOf(logs));
  const { code, out, err } = await made.begin({ nowMs: NOW_MS, ...disturbed });
  assertEquals(code, 0, err + out);
  assertEquals(made.lines(LOGS).length, logs.length);
  assertEquals(made.lines(LOGS), logs);
  const verified = await made.command("verify");
  assertEquals(verified.code, 0, verified.out + verified.err);
}

Deno.test("286 Logs with a date in the future are exported", async () => {
  const newestMs = NOW_MS + 286 * MINUTE_MS;
  await assertAllExported(datedLogs(1_286, newestMs));
});

Deno.test("Logs that are dated years ahead are exported", async () => {
  await assertAllExported(datedLogs(1_000, NOW_MS + 10 * YEAR_MS));
});

Deno.test("a long list with 286 Logs of the future is exported in time windows, completely", async () => {
  await assertAllExported(datedLogs(20_500, NOW_MS + 286 * MINUTE_MS));
});

Deno.test("a machine whose clock is a year behind exports all Logs", async () => {
  await assertAllExported(datedLogs(1_000, NOW_MS - HOUR_MS), {
    nowMs: NOW_MS - YEAR_MS,
  });
});

Deno.test("a machine whose clock is a year ahead exports all Logs", async () => {
  await assertAllExported(datedLogs(1_000, NOW_MS - HOUR_MS), {
    nowMs: NOW_MS + YEAR_MS,
  });
});

/** Returns the demo server's answer to the same request with other dates. */
async function withDates(
  logs: readonly string[],
  url: URL,
  change: (params: URLSearchParams) => void,
): Promise<Response> {
  const { answerRequest } = await import("../../src/demo/server.ts");
  const changed = new URL(url);
  change(changed.searchParams);
  const headers = { "x-api-key": DEMO_KEY };
  const request = new Request(changed, { headers });
  return await answerRequest(workspaceOf(logs), { key: DEMO_KEY }, request);
}

for (
  const [bound, isExcluded] of [["beginning", true], ["end", false]] as const
) {
  Deno.test(`a server that reads end_date as a day, up to its ${bound}: all Logs are exported`, async () => {
    const newestMs = NOW_MS + 10 * HOUR_MS;
    const logs = datedLogs(1_000, newestMs, MINUTE_MS);
    await assertAllExported(logs, {
      nowMs: newestMs + HOUR_MS,
      server: {
        before: (url) => {
          const end = url.searchParams.get("end_date");
          if (!asksForLogs(url, BIG) || end === null || end.length === 10) {
            return undefined;
          }
          const day = Date.parse(end.slice(0, 10));
          const ms = isExcluded ? day : day + 24 * HOUR_MS;
          return withDates(
            logs,
            url,
            (params) => params.set("end_date", new Date(ms).toISOString()),
          );
        },
      },
    });
  });
}

/** How a server fails whenever it is asked for dates. */
const DATE_FAILURES: Readonly<
  Record<string, (logs: readonly string[], url: URL) => Promise<Response>>
> = {
  "HTTP 500": () => Promise.resolve(new Response("", { status: 500 })),
  "HTTP 422": () =>
    Promise.resolve(Response.json({ detail: [] }, { status: 422 })),
  "a cut answer": () => Promise.resolve(new Response('{"records":[{"id"')),
  "a total that lags": async (logs, url) => {
    const answer = await withDates(logs, url, () => {});
    const text = await answer.text();
    return new Response(text.replace(/"total":\d+/, `"total":${logs.length}`));
  },
  "all Logs": (logs, url) =>
    withDates(logs, url, (params) => {
      params.delete("start_date");
      params.delete("end_date");
    }),
};
for (const [name, failure] of Object.entries(DATE_FAILURES)) {
  Deno.test(`a server that answers with ${name} where dates are asked for: all 990 Logs are read without them`, async () => {
    const logs = datedLogs(990);
    await assertAllExported(logs, {
      server: {
        before: (url) =>
          /_date=/.test(url.search) ? failure(logs, url) : undefined,
      },
    });
  });
}

for (const length of [1, 990]) {
  Deno.test(`--since that the server ignores is reported for a File of ${length} Logs, and nothing is left out`, async () => {
    const logs = datedLogs(length);
    const made = new MemoryExport(workspaceOf(logs));
    const { code, err } = await made.begin({
      server: {
        before: (url) =>
          /_date=/.test(url.search)
            ? withDates(logs, url, (params) => {
              params.delete("start_date");
              params.delete("end_date");
            })
            : undefined,
      },
    }, ["--since", "2025-05-01"]);
    assertEquals(code, 0, err);
    assertEquals(made.lines(LOGS), logs);
    const log = made.text("export.log")!;
    const told = log.split("\n").filter((line) => / WARN .*dates/.test(line));
    for (const { id, type } of made.workspace.files) {
      if (type === "dataset") continue;
      assertStringIncludes(told.join("\n"), id);
    }
  });
}

Deno.test("once a server is found to ignore dates, no other list is requested by them", async () => {
  const { answerRequest } = await import("../../src/demo/server.ts");
  const { directories, files } = workspaceOf(datedLogs(990));
  const [first, , draft] = files;
  const other = { ...draft!, logs: first!.logs, bareLogs: first!.bareLogs };
  const workspace = { directories, files: [first!, other] };
  const made = new MemoryExport(workspace);
  const pages = new Map<string | null, number>();
  const { code } = await made.begin({
    server: {
      before: async (url) => {
        const { searchParams } = url;
        if (!/_date=/.test(url.search)) return undefined;
        if (searchParams.get("size") !== "1") {
          const file = searchParams.get("file_id");
          pages.set(file, (pages.get(file) ?? 0) + 1);
        }
        const changed = new URL(url);
        changed.searchParams.delete("start_date");
        changed.searchParams.delete("end_date");
        const headers = { "x-api-key": DEMO_KEY };
        const request = new Request(changed, { headers });
        return await answerRequest(workspace, { key: DEMO_KEY }, request);
      },
    },
  }, ["--concurrency", "1"]);
  assertEquals(code, 0);
  assertEquals([...pages.keys()], [first!.id]);
});

Deno.test("a page that was read ahead, and is not needed, does not outlive the run", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspaceOf(datedLogs(990)), {
    key: DEMO_KEY,
  });
  const signals: AbortSignal[] = [];
  /** Ignores dates, and never answers a page that was asked for by them. */
  const ignoring: typeof fetch = (input, init) => {
    const url = new URL(String(input));
    const isAhead = url.searchParams.has("end_date") &&
      url.searchParams.get("page") === "4";
    url.searchParams.delete("start_date");
    url.searchParams.delete("end_date");
    if (!isAhead) return fetch(url, init);
    const signal = init!.signal!;
    signals.push(signal);
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  };
  const { code } = await run([
    ...["--logs", "--api-url", server.url, "--output", dir.path],
  ], { env: { HUMANLOOP_API_KEY: DEMO_KEY }, fetch: ignoring });
  assertEquals(code, 0);
  assertEquals(signals.length > 0, true);
  assertEquals(signals.every(({ aborted }) => aborted), true);
});

Deno.test("Logs that arrive during the run are not a gap, and shift nothing", async () => {
  const logs = datedLogs(2_500, NOW_MS - HOUR_MS);
  const held = [...logs];
  const made = new MemoryExport(workspaceOf(held));
  let n = 0;
  const { code, err } = await made.begin({
    nowMs: NOW_MS,
    before: (url) => {
      if (!asksForLogs(url, BIG) || ++n % 3 !== 0) return undefined;
      const time = new Date(NOW_MS + n * 1_000).toISOString().slice(0, -1);
      held.unshift(`{"id":"new_${n}","created_at":"${time}"}`);
      return undefined;
    },
  });
  assertEquals(code, 0, err);
  const lines = made.lines(LOGS);
  const ofBefore = new Set(logs);
  assertEquals(lines.filter((line) => ofBefore.has(line)), logs);
  assertEquals(new Set(lines).size, lines.length);
});

Deno.test("verify --remote finds a Log that an export lacks, even one with a date in the future", async () => {
  const logs = datedLogs(1_286, NOW_MS + 286 * MINUTE_MS);
  const made = new MemoryExport(workspaceOf(logs.slice(1)));
  assertEquals((await made.begin({ nowMs: NOW_MS })).code, 0);
  made.workspace = workspaceOf(logs);
  const remote = ["--remote", "--api-url", "http://127.0.0.1/v5"];
  const { code, out, err } = await made.command("verify", remote, {
    nowMs: NOW_MS,
  });
  assertEquals(code, 4);
  assertStringIncludes(out + err, BIG);
});
