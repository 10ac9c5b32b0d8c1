/** The pages over a database, asked as a browser asks. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { browse } from "../../src/browse/browse.ts";
import { diffLines } from "../../src/report/diff_lines.js";
import { answer, serveBrowse } from "../../src/browse/serve.ts";
import { Site } from "../../src/browse/site.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase, type BuildResult } from "../../src/database/build.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { servedBrowse } from "../helpers/served_browse.ts";
import { tempDir } from "../helpers/tree.ts";
import { LOGS, writeRichExport } from "./rich_export.ts";

const { disk } = denoRuntime();
const HOST = "127.0.0.1:4321";

/** A site over the rich export and more; `get` gives the text of a page. */
async function richSite(more?: (dir: string) => Promise<void>) {
  const dir = await tempDir();
  await writeRichExport(dir.path);
  await more?.(dir.path);
  const { path } = await buildDatabase({ disk, dirs: [dir.path] });
  const database = openDatabase(path);
  const site = new Site(database);
  const ask = (address: string, init: RequestInit = {}) =>
    answer(site, new Request(`http://${HOST}${address}`, init), HOST);
  return {
    ask,
    dir: dir.path,
    get: async (address: string, status = 200) => {
      const response = ask(address);
      const text = await response.text();
      assertEquals([address, response.status], [address, status]);
      return text;
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** The ids of the Logs that a page lists, in order. */
function idsIn(page: string): readonly string[] {
  return [...page.matchAll(/href="\/log\?id=([^"]+)"><time/g)]
    .map(([, id]) => decodeURIComponent(id!.replaceAll("+", " ")));
}

/** The address of a link by its text. */
function linkIn(page: string, text: string): string | null {
  const [, link] = new RegExp(`<a href="([^"]+)">${text}</a>`).exec(page) ?? [];
  return link?.replaceAll("&amp;", "&") ?? null;
}

Deno.test("every Log is on one page of the list, forwards and backwards, in every order", async () => {
  await using site = await richSite();
  for (const sort of ["time", "latency", "cost"]) {
    for (const order of ["asc", "desc"]) {
      const seen: string[] = [];
      let address: string | null =
        `/logs?file=pr_1&sort=${sort}&order=${order}`;
      let last = "";
      while (address !== null) {
        last = await site.get(address);
        assertStringIncludes(last, `<p role="status">${LOGS + 19} Logs</p>`);
        seen.push(...idsIn(last));
        address = linkIn(last, "Next");
      }
      assertEquals(new Set(seen).size, LOGS + 19);
      assertEquals(seen.length, LOGS + 19);
      const back: string[] = [];
      address = `/logs?file=pr_1&sort=${sort}&order=${order}&last=1`;
      while (address !== null) {
        const page = await site.get(address);
        back.unshift(...idsIn(page));
        address = linkIn(page, "Previous");
      }
      assertEquals(back, seen);
    }
  }
});

Deno.test("filters are in the address, and the number of Logs is exact", async () => {
  await using site = await richSite();
  const table: ReadonlyArray<readonly [query: string, logs: number]> = [
    ["", LOGS + 3 + 18 + 4 + 18],
    ["q=number7", 1],
    ["q=number1*", 31],
    ["q=%E4%BD%8F%E6%89%80", 12],
    ["q=%22Refund+issued%22", 1],
    ["q=nowhere", 0],
    ["q=%F0%9F%93%A6", 0],
    ["judgment=false", 5],
    ["judgment=false&q=number1", 1],
    ["environment=staging", 60],
    ["environment=staging&user=u-1", 20],
    ["error=1", 19],
    ["error=1&q=number7", 1],
    ["file=pr_1&version=prv_1", 69],
    ["evaluator=ev_1", 22],
    ["evaluator=ev_1&judgment=false", 5],
    ["evaluator=ev_1&judgment=false&file=pr_1&environment=staging", 2],
    ["from=2025-06-01&to=2025-06-01&file=pr_1", LOGS + 1],
    ["from=2025-06-01T10:10&to=2025-06-01T10:20", 10],
    ["from=2025-06-02", 0],
    ["to=2025-05-01", 0],
    ["from=nonsense&sort=nonsense&order=nonsense&after=x", LOGS + 43],
  ];
  const counts: Array<readonly [string, number]> = [];
  for (const [query] of table) {
    const page = await site.get(`/logs?${query}`);
    const [, count = ""] = /role="status">([\d,]+) Log/.exec(page) ?? [];
    counts.push([query, Number(count)]);
  }
  assertEquals(counts, table.map((row) => [...row]));
});

Deno.test("Logs of year 9999, of year 1 and before 1970 are in the lists, the filters and the chart", async () => {
  await using site = await richSite((dir) =>
    Deno.writeTextFile(
      join(dir, "files/pr_1/logs/2.jsonl"),
      [
        { id: "far", created_at: "9999-12-31T23:59:59.999999Z" },
        { id: "first", created_at: "0001-01-01T00:00:00" },
        { id: "old", created_at: "1969-07-20T20:17:40Z" },
        { id: "never", created_at: "yesterday" },
      ].map((log) => `${JSON.stringify(log)}\n`).join(""),
    )
  );
  const ids = async (query: string) =>
    idsIn(await site.get(`/logs?file=pr_1&${query}`));
  assertEquals((await ids("order=asc")).slice(0, 3), ["first", "old", "never"]);
  assertEquals((await ids("order=desc"))[0], "far");
  assertEquals(await ids("to=1975-01-01"), ["old", "first"]);
  assertEquals(await ids("from=1960-01-01&to=1970-01-02"), ["old"]);
  assertEquals(await ids("from=2300-01-01"), ["far"]);
  assertStringIncludes(await site.get("/files/pr_1"), "Logs over time");
});

Deno.test("a search names Files, Versions, Evaluations and Datapoints too", async () => {
  await using site = await richSite();
  const links = async (q: string) => {
    const page = await site.get(`/logs?q=${encodeURIComponent(q)}`);
    const [list = ""] = /<dl class="elsewhere">[^]*?<\/dl>/.exec(page) ?? [];
    return [...list.matchAll(/<a href="[^"]*">([^<]*)<\/a>/g)]
      .map(([, name]) => name);
  };
  assertEquals(await links("triage"), [
    ...["Support/Triage", "Support/Triage: v1", "Support/Triage: v2"],
  ]);
  assertEquals(await links('"Rule 2"'), ["Support/Triage: v2"]);
  assertEquals(await links("June"), ["June regression"]);
  assertEquals(await links("case 7"), [
    ...["Support/Golden: dp_7", "Support/Golden: dp_7"],
  ]);
  assertEquals(await links("100%"), []);
});

Deno.test("a Log shows its conversation: tool calls with their answers, the image, its trace with this Log marked", async () => {
  await using site = await richSite();
  const page = await site.get("/log?id=order%2F9+run%263");
  for (
    const part of [
      "calls lookup_order",
      "answers the call of lookup_order",
      '<img class="embedded" alt="embedded in the message" src="data:image/png;base64,',
      "3 Logs, 8 s",
      `<b aria-current="page">Support/Answer flow</b>`,
      `<a href="/log?id=step_tool">Support/lookup_order</a>`,
      "/files/fl_1/logs/1.jsonl</code>, line 1",
    ]
  ) assertStringIncludes(page.replace(/\s+/g, " "), part);
  const step = await site.get("/log?id=step_tool");
  assertStringIncludes(step, "Support/Answer flow</a>");
  assertStringIncludes(step, `<b aria-current="page">Support/lookup_order</b>`);
  const json = await site.get(/href="(\/json[^"]+)"/.exec(page)![1]!
    .replaceAll("&amp;", "&"));
  const line = await Deno.readTextFile(
    join(site.dir, "files/fl_1/logs/1.jsonl"),
  );
  assertEquals(`${json}\n`, line);
});

Deno.test("an Evaluation begins where Runs disagree, and shows the regressions between two Runs alone", async () => {
  await using site = await richSite();
  const page = await site.get("/evaluations/evr_1");
  const order = [...page.matchAll(/<code>(dp_\d)<\/code>/g)].map(([, id]) =>
    id
  );
  assertEquals(order.slice(0, 3), ["dp_0", "dp_3", "dp_6"]);
  assertEquals(order.length, 9);
  assertEquals(page.split("Runs disagree</span>").length - 1, 3);
  const worse = await site.get(
    "/evaluations/evr_1?worse=ev_1&from=run_1&to=run_2",
  );
  assertStringIncludes(worse, "3 Datapoints where the second Run is worse");
  const better = await site.get(
    "/evaluations/evr_1?worse=ev_1&from=run_2&to=run_1",
  );
  assertStringIncludes(better, "0 Datapoints where the second Run is worse");
});

Deno.test("the regressions between two Runs of many Datapoints are found quickly", async () => {
  await using site = await richSite(async (dir) => {
    const record = (run: number, i: number) =>
      JSON.stringify({
        ...{ run_id: `run_${run}`, datapoint: { id: `many_${i}` } },
        log: { id: `many_${run}_${i}`, output: "x" },
        evaluator_logs: [{
          ...{ id: `manyj_${run}_${i}`, evaluator: { id: "ev_1" } },
          judgment: run === 1 || i % 2 === 0,
        }],
      }) + "\n";
    await Deno.writeTextFile(
      join(dir, "files/pr_1/evaluations/evr_1/logs/2.jsonl"),
      Array.from({ length: 6000 }, (_, i) => record(1, i) + record(2, i))
        .join(""),
    );
  });
  const startMs = performance.now();
  const page = await site.get(
    "/evaluations/evr_1?worse=ev_1&from=run_1&to=run_2",
  );
  const tookMs = performance.now() - startMs;
  assertStringIncludes(page, "3,003 Datapoints where the second Run is worse");
  // Each with each would take minutes.
  assert(tookMs < 5_000, `${tookMs} ms`);
});

Deno.test("a File shows the numbers of its Versions, and any two of them compared", async () => {
  await using site = await richSite();
  const page = await site.get("/files/pr_1");
  assertStringIncludes(page, `version=prv_2">70</a>`);
  const diff = await site.get("/files/pr_1/diff?from=prv_1&to=prv_2");
  assertStringIncludes(diff, "1 line gone, 1 line new.");
  assertStringIncludes(diff, "<del>  Rule 1.</del>");
  await site.get("/files/pr_1/diff?from=prv_1&to=prv_9", 404);
});

Deno.test("a Dataset shows what changed between two of its Versions", async () => {
  await using site = await richSite();
  const page = await site.get("/files/ds_1?from=dsv_1&to=dsv_2");
  assertStringIncludes(page, "1 new, 1 gone, 1 changed.");
});

Deno.test("what changed in the messages of a Datapoint is shown", async () => {
  await using site = await richSite(async (dir) => {
    for (const n of [1, 2]) {
      await Deno.writeTextFile(
        join(dir, `files/ds_1/datapoints/dsv_${n}/1.jsonl`),
        `{"id":"dp","messages":[{"role":"user","content":"said ${n}"}]}\n`,
      );
    }
  });
  const page = await site.get("/files/ds_1?from=dsv_1&to=dsv_2");
  const [, changes = ""] = page.split(`id="changes"`);
  assertStringIncludes(changes, "said 1");
  assertStringIncludes(changes, "said 2");
});

Deno.test("a search of any length and any number of words is answered in a moment", async () => {
  await using site = await richSite();
  const words = Array.from({ length: 700 }, (_, i) => `w${i}*`).join(" ");
  for (
    const q of [
      "x".repeat(60_000),
      words,
      "x ".repeat(30_000),
      "日本".repeat(9_000),
    ]
  ) {
    const startMs = performance.now();
    const page = await site.get(`/logs?q=${encodeURIComponent(q)}`);
    assertStringIncludes(page, `<p role="status">0 Logs</p>`);
    const tookMs = performance.now() - startMs;
    assert(tookMs < 2_000, `${q.slice(0, 20)}: ${tookMs} ms`);
  }
});

Deno.test("an Evaluation shows outputs of Runs that the export lacks, and no link that leads nowhere", async () => {
  await using site = await richSite((dir) =>
    Deno.writeTextFile(
      join(dir, "files/pr_1/evaluations/evr_1/logs/2.jsonl"),
      [
        { run_id: "run_gone", log: { id: "g", output: "of a missing Run" } },
        { run_id: null, log: { output: "of no Run" } },
      ].map((one) => `${JSON.stringify(one)}\n`).join(""),
    )
  );
  const page = await site.get("/evaluations/evr_1");
  assertStringIncludes(page, "of a missing Run");
  assertStringIncludes(page, "of no Run");
  assertStringIncludes(page, ": run_gone</th>");
  assert(!page.includes(`href="/log"`));
  await site.get("/evaluations/evr_1?page=1e30");
});

Deno.test("a Log of a trace whose time nothing says does not stretch the timeline, and times are UTC", async () => {
  await using site = await richSite((dir) =>
    Deno.writeTextFile(
      join(dir, "files/fl_1/logs/2.jsonl"),
      `${
        JSON.stringify({
          id: "t",
          start_time: "2025-06-01T23:00:00-05:00",
          end_time: "2025-06-01T23:00:02-05:00",
          trace_children: [{ id: "timeless", output: "x" }],
        })
      }\n`,
    )
  );
  const page = await site.get("/log?id=t");
  assertStringIncludes(page, "2 Logs, 2 s");
  assertStringIncludes(page, "2025-06-02 04:00:00");
});

Deno.test("an export that is complete is not called unread for rows that name others which it does not hold", async () => {
  const complete = async (dir: string, version: string) => {
    const root = join(dir, "files");
    await Deno.remove(root, { recursive: true });
    const files = {
      "file.json": `{"id":"pr_1","type":"prompt"}`,
      "deployments.json": "[]",
      "versions/prv_1": `{"version_id":"prv_1"}`,
      "logs/1.jsonl": `{"id":"log_1","prompt":{"version_id":"gone"}}\n`,
      ".done": "",
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, "pr_1", name);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, name.startsWith("v") ? version : text);
    }
  };
  await using site = await richSite((dir) => complete(dir, `{"n":1}`));
  const page = await site.get("/");
  assertStringIncludes(page, "1 row in the table of problems");
  assert(!page.includes("Not all of this export"), page);
  await using other = await richSite((dir) => complete(dir, "{"));
  assertStringIncludes(await other.get("/"), "Not all of this export");
});

Deno.test("requests of other hosts and other sites are refused, and nothing but GET is answered", async () => {
  await using site = await richSite();
  const status = (address: string, init: RequestInit) =>
    site.ask(address, init).status;
  const foreign = (headers: Record<string, string>) => status("/", { headers });
  assertEquals(foreign({}), 200);
  assertEquals(foreign({ host: "evil.example" }), 403);
  assertEquals(foreign({ host: "127.0.0.1:1" }), 403);
  assertEquals(foreign({ host: "localhost:4321" }), 200);
  assertEquals(foreign({ origin: "http://evil.example" }), 403);
  assertEquals(foreign({ origin: "null" }), 403);
  assertEquals(foreign({ origin: `http://${HOST}` }), 200);
  assertEquals(foreign({ "sec-fetch-site": "cross-site" }), 403);
  assertEquals(foreign({ "sec-fetch-site": "same-site" }), 403);
  assertEquals(foreign({ "sec-fetch-site": "same-origin" }), 200);
  for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
    assertEquals(status("/", { method }), 405);
  }
});

Deno.test("over a real connection another host is refused, and one that is kept alive does not hold up the end", async () => {
  await using dir = await tempDir();
  await writeRichExport(dir.path);
  const served = await servedBrowse(dir.path);
  const { host, port, hostname } = new URL(served.url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const firstLine = async (named: string) => {
    const request = `GET / HTTP/1.1\r\nHost: ${named}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const bytes = new Uint8Array(1_000_000);
    let text = "";
    while (!text.includes("</html>")) {
      const size = await connection.read(bytes);
      if (size === null) break;
      text += new TextDecoder().decode(bytes.subarray(0, size));
    }
    return text.split("\r\n")[0];
  };
  assertEquals(await firstLine("evil.example"), "HTTP/1.1 403 Forbidden");
  assertEquals(await firstLine(host), "HTTP/1.1 200 OK");
  // The connection is open still.
  await served[Symbol.asyncDispose]();
});

Deno.test("no path of a request reaches a file, and what is not there is 404", async () => {
  await using site = await richSite();
  for (
    const address of [
      ...["/humanloop.db", "/export.log", "/files", "/files/", "/log?id=x"],
      ...["/files/..%2f..%2fetc%2fpasswd", "/files/pr_1/file.json", "/%00"],
      ...["/%", "/json?table=sqlite_schema", "/json?table=__proto__"],
      ...["/json?table=logs", "/evaluations/x", "/files/pr_1/diff/x"],
      "/constructor",
    ]
  ) await site.get(address, 404);
  const response = site.ask("/");
  await response.body?.cancel();
  const policy = response.headers.get("content-security-policy")!;
  assert(policy.startsWith("default-src 'none'; script-src 'sha256-"));
  assert(!policy.includes("unsafe"));
});

Deno.test("lines that are the same are kept, those that are not are gone or new", () => {
  assertEquals(diffLines("a\nb\nc", "a\nx\nc\nd"), [
    [" ", "a"],
    ["-", "b"],
    ["+", "x"],
    [" ", "c"],
    ["+", "d"],
  ]);
});

Deno.test("browse makes a database where there is none, an old one or something else, serves it, and ends at the signal", async () => {
  await using dir = await tempDir();
  await writeRichExport(dir.path);
  const once = async () => {
    const built: BuildResult[] = [];
    const control = new AbortController();
    let page = "";
    await browse({
      ...{ disk, dirs: [dir.path], signal: control.signal },
      onBuilt: (result) => void built.push(result),
      onListen: (url) =>
        void fetch(url).then((response) => response.text()).then((text) => {
          page = text;
          control.abort();
        }),
    });
    assertStringIncludes(page, "5 Files");
    return built.length;
  };
  assertEquals([await once(), await once()], [1, 0]);
  await Deno.writeTextFile(
    join(dir.path, "files/pr_1/logs/2.jsonl"),
    `{"id":"new"}\n`,
  );
  assertEquals([await once(), await once()], [1, 0]);
  await Deno.writeTextFile(join(dir.path, "humanloop.db"), "no database");
  assertEquals([await once(), await once()], [1, 0]);
});

Deno.test("a database that is damaged is named, with what to do, by the page and the terminal", async () => {
  await using dir = await tempDir();
  await writeRichExport(dir.path);
  const { path } = await buildDatabase({ disk, dirs: [dir.path] });
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.fill(0xff, 40_000));
  const control = new AbortController();
  const listening = Promise.withResolvers<string>();
  const failures: string[] = [];
  const served = serveBrowse({
    ...{ database: path, signal: control.signal },
    onListen: listening.resolve,
    onFailure: (error) => void failures.push((error as Error).message),
  });
  const response = await fetch(`${await listening.promise}logs`);
  const page = await response.text();
  control.abort();
  await served;
  const damage = `cannot read ${path}: database disk image is malformed`;
  assertEquals(response.status, 500);
  assertStringIncludes(page, damage);
  assertEquals(failures, [
    `${damage}; remove it and run the command again, which rebuilds it`,
  ]);
});
