import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import {
  CLASSIFIER,
  sampleWorkspace,
  SMOKE,
} from "../../src/demo/sample/sample.ts";
import { type FileData, filePage } from "../../src/report/file_page.ts";
import { html, pageTemplate } from "../../src/report/components/html.ts";
import { newestLogs } from "../../src/report/read_logs.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { PageWriter } from "../../src/report/page_writer.ts";
import { readVersions } from "../../src/report/components/version_view.ts";
import { throughDisk } from "../helpers/disk.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { expectedTree } from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const read = (disk: MemoryDisk, path: string) =>
  new TextDecoder().decode(disk.get(path));
const pageOf = (id: string) => `${MEMORY_EXPORT}/files/${id}/index.html`;

Deno.test("text in a template is escaped, markup is not, nothing is nothing", () => {
  const inner = html`<b>${'<a href="x">&\'</a>'}</b>`;
  assertEquals(
    html`<p>${inner}${[1, null, false, "\u0000\n\r\n\u202e"]}</p>`.text,
    "<p><b>&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;</b>1\\u{0}\n\n\\u{202e}</p>",
  );
});

Deno.test("a page allows its own style and script by their hashes, and nothing else", () => {
  const text = pageTemplate({ style: "p{}", script: "1" })({
    title: "</title>",
    body: html`<p>x</p>`,
    data: { text: "</script><!--" },
  }).join("");
  const hash = (of: string) =>
    `&#39;sha256-${createHash("sha256").update(of).digest("base64")}&#39;`;
  assertStringIncludes(
    text,
    `content="default-src &#39;none&#39;; script-src ${hash("1")}; style-src ${
      hash("p{}")
    }; base-uri &#39;none&#39;; form-action &#39;none&#39;"`,
  );
  assertStringIncludes(text, "<title>&lt;/title&gt;</title>");
  assertStringIncludes(text, '{"text":"\\u003c/script>\\u003c!--"}');
});

/** Makes chunks of Logs, by the minutes at which they were created. */
function logDisk(...chunks: ReadonlyArray<readonly number[]>): MemoryDisk {
  const disk = new MemoryDisk();
  chunks.forEach((minutes, i) => {
    const lines = minutes.map((minute) => {
      const created = new Date(minute * 60_000).toISOString();
      return `{"id":"${minute}","created_at":"${created}","n":1.0}\n`;
    });
    disk.put(`/logs/${i + 1}.jsonl`, lines.join(""));
  });
  return disk;
}

async function newest(disk: MemoryDisk, most: number): Promise<string[]> {
  const chunks = [1, 2, 3].map((chunk) => `logs/${chunk}.jsonl`)
    .filter((path) => disk.files("").has(path));
  const logs = await newestLogs(disk, "/", chunks, most, () => {});
  return logs.map(({ log, chunk, line }) =>
    `${log?.["id"] ?? "none"} ${chunk}:${line}`
  );
}

Deno.test("the newest Logs are shown from either end of a list", async () => {
  const falling = logDisk([9, 8, 7], [6, 5, 4], [3]);
  assertEquals(await newest(falling, 2), ["9 1:1", "8 1:2"]);
  const rising = logDisk([1, 2, 3], [4, 5, 6], [7]);
  assertEquals(await newest(rising, 3), ["7 3:1", "6 2:3", "5 2:2"]);
  assertEquals(await newest(logDisk([2, 1]), 5), ["2 1:1", "1 1:2"]);
  assertEquals(await newest(new MemoryDisk(), 5), []);
});

Deno.test("the newest Logs of a list that is one chunk may be at its end", async () => {
  assertEquals(await newest(logDisk([1, 2, 3, 4, 5]), 2), ["5 1:5", "4 1:4"]);
});

/** Counts what is read of a disk. */
function countingDisk(disk: MemoryDisk) {
  const read = { bytes: 0 };
  const open: Disk["open"] = async (path, options) => {
    const file = await disk.open(path, options);
    return {
      ...file,
      read: async (into) => {
        const size = await file.read(into);
        read.bytes += size ?? 0;
        return size;
      },
    };
  };
  const readFile = async (path: string) => {
    const bytes = await disk.readFile(path);
    read.bytes += bytes.length;
    return bytes;
  };
  const counted: Disk = new Proxy(disk, {
    get: (target, name) => {
      if (name === "open") return open;
      if (name === "readFile") return readFile;
      const method: unknown = Reflect.get(target, name, target);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
  return { disk: counted, read };
}

Deno.test("only the ends of a large chunk are read, and its last lines are counted from its end", async () => {
  const memory = new MemoryDisk();
  const line = (i: number, length: number) => {
    const created = new Date(i * 60_000).toISOString();
    return `{"id":"${i}","created_at":"${created}","x":"${
      "x".repeat(length)
    }"}`;
  };
  const list = async (lines: readonly string[], most: number) => {
    memory.put("/logs/1.jsonl", lines.map((one) => `${one}\n`).join(""));
    const { disk, read } = countingDisk(memory);
    const logs = await newestLogs(disk, "/", ["logs/1.jsonl"], most, () => {});
    const rows = logs.map(({ log, line }) =>
      `${log?.["id"] ?? "none"} ${line}`
    );
    return { rows, bytes: read.bytes };
  };
  const rising = Array.from({ length: 1000 }, (_, i) => line(i, 1_000));
  const ends = await list(rising, 2);
  assertEquals(ends.rows, ["999 -1", "998 -2"]);
  assert(ends.bytes < 300_000, String(ends.bytes));
  const falling = await list(rising.toReversed(), 2);
  assertEquals(falling.rows, ["999 1", "998 2"]);
  const heavy = Array.from({ length: 20 }, (_, i) => line(i, 1_000_000));
  const some = await list(heavy, 20);
  assertEquals(some.rows.length, 10);
  assert(some.rows.every((row) => row.startsWith("none ")), some.rows.join());
  assert(some.bytes < 11_000_000, String(some.bytes));
});

Deno.test("a Log that is too long or not JSON is a row, and takes no memory", async () => {
  const disk = new MemoryDisk();
  const long = `{"id":"${"x".repeat(5_000_000)}"}`;
  disk.put("/logs/1.jsonl", `{"id":"a"}\n${long}\nnonsense\n{"id":"b"}`);
  assertEquals(await newest(disk, 9), [
    "a 1:1",
    "none 1:2",
    "none 1:3",
    "b 1:4",
  ]);
});

Deno.test("if Versions are too much for a page, older ones are only linked", () => {
  const versions = Array.from({ length: 5 }, (_, i) => ({
    id: `prv_${i}`,
    json: JSON.stringify({
      version_name: `v${i}`,
      created_at: `2025-01-0${i + 1}T00:00:00`,
      template: `template ${i} ${"x".repeat(1_500_000)}`,
    }),
  }));
  const text = filePage({
    ...{ id: "pr_1", type: "prompt", path: "a/b", state: "complete" },
    ...{ file: {}, gaps: [], counts: {}, deployments: [], logs: [] },
    ...{ evaluations: [], chunks: 0, datapoints: new Map() },
    versions: readVersions(versions),
  }).join("");
  const shown = [4, 3, 2, 1, 0].filter((i) => text.includes(`template ${i} x`));
  assertEquals(shown, [4, 3]);
  for (const { id } of versions) assertStringIncludes(text, `versions/${id}"`);
});

Deno.test("a run writes pages, a resume those that are missing or out of date", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  const bare = EXPORT_ARGS.filter((arg) => arg !== "--logs");
  assertEquals((await runInMemory(bare, options)).code, 0);
  const { files } = workspace;
  for (const { id } of files) assert(disk.get(pageOf(id)).length > 0);
  const first = read(disk, pageOf(CLASSIFIER.id));
  disk.put(pageOf(files[0]!.id), null);
  disk.put(pageOf(files[1]!.id), "of an earlier time");
  const resume = ["--resume", MEMORY_EXPORT, "-q"];
  assertEquals((await runInMemory(resume, options)).code, 0);
  assert(disk.get(pageOf(files[0]!.id)).length > 0);
  assertEquals(read(disk, pageOf(files[1]!.id)), "of an earlier time");
  assert(!first.includes('id="logs"'));
  assertEquals((await runInMemory([...resume, "--logs"], options)).code, 0);
  assertStringIncludes(read(disk, pageOf(CLASSIFIER.id)), 'id="logs"');
  const { code, out } = await runInMemory(["verify", MEMORY_EXPORT], options);
  assertEquals(code, 0, out);
  // They are made from the rest, and may go.
  for (const { id } of files) disk.put(pageOf(id), null);
  disk.put(`${MEMORY_EXPORT}/index.html`, null);
  assertEquals((await runInMemory(["verify", MEMORY_EXPORT], options)).code, 0);
  const second = await runInMemory(["index", MEMORY_EXPORT], options);
  assertEquals([second.code, second.out], [
    0,
    `${MEMORY_EXPORT}/index.html and the pages of 14 Files written\n`,
  ]);
  assertStringIncludes(read(disk, pageOf(CLASSIFIER.id)), 'id="logs"');
});

Deno.test("a run that ends for its key leaves a page that says that the export is not complete", async () => {
  const disk = new MemoryDisk();
  let requests = 0;
  const before = () =>
    ++requests > 30
      ? Response.json({ detail: "no" }, { status: 401 })
      : undefined;
  const { code } = await runInMemory(EXPORT_ARGS, { disk, workspace, before });
  assertEquals(code, 5);
  const page = read(disk, `${MEMORY_EXPORT}/index.html`);
  assertStringIncludes(page, "This export is not complete");
  assertStringIncludes(page, "its export was not finished");
});

Deno.test("pages of the official script's export: counted from the disk, gaps unknown, unfinished Files named", async () => {
  const disk = new MemoryDisk();
  for (const [path, text] of expectedTree(workspace, { logs: true })) {
    if (path === "directories.json") continue;
    const isDone = path.endsWith("/.done");
    if (isDone && path.includes(SMOKE.id)) continue;
    disk.put(`/official/${path}`, isDone ? "Exported at 2025\n" : text);
  }
  const { code, err } = await runInMemory(["index", "/official"], {
    disk,
    workspace,
  });
  const warning = `warn: /official/files/${SMOKE.id} is not complete\n`;
  assertEquals([code, err], [3, warning]);
  const page = read(disk, "/official/index.html");
  const [, json] = /id="data">(.*)<\/script>/.exec(page)!;
  const { files } = JSON.parse(json!);
  const rowOf = (id: string) =>
    files.find((file: { id: string }) => file.id === id);
  assertEquals(rowOf(CLASSIFIER.id), {
    id: CLASSIFIER.id,
    type: "prompt",
    path: CLASSIFIER.path,
    state: "complete",
    deployed: "production, staging",
    hasPage: true,
    versions: 7,
    logs: 3512,
    evaluations: 2,
    datapoints: 0,
  });
  assertEquals(rowOf(SMOKE.id).state, "incomplete");
  assertStringIncludes(page, "Shared/Smoke test: its export was not");
});

Deno.test("pages are made one at a time, whoever asks for them, and none is flushed", async () => {
  const memory = new MemoryDisk();
  const known = ["pr_1", "pr_2", "pr_3"].map((id) => {
    memory.put(`/x/files/${id}/file.json`, "{}");
    memory.put(`/x/files/${id}/logs/1.jsonl`, `{"id":"1"}\n`);
    return {
      ...{ id, type: "prompt", path: id, state: "complete" },
      ...{ counts: { logs: 1 }, gaps: [] },
    };
  });
  const order: string[] = [];
  const disk = throughDisk(memory, (path) => {
    const [, id] = /files\/(pr_\d)/.exec(path) ?? [];
    if (id !== undefined && order.at(-1) !== id) order.push(id);
  });
  const open: Disk["open"] = async (path, options) => ({
    ...await disk.open(path, options),
    syncData: () => Promise.reject(new Error("flushed")),
  });
  const unflushed: Disk = new Proxy(disk, {
    get: (target, name) =>
      name === "open" ? open : Reflect.get(target, name, target),
  });
  const onFailure = (name: string, error: unknown) => {
    throw new Error(name, { cause: error });
  };
  const writer = new PageWriter(unflushed, "/x", { onFailure });
  await Promise.all(known.map((one) => writer.write(one)));
  assertEquals(order, ["pr_1", "pr_2", "pr_3"]);
  // What is known of them is not read again.
  assertEquals(await writer.finish("missing"), 3);
  assertEquals(order, ["pr_1", "pr_2", "pr_3"]);
  const page = read(memory, "/x/index.html");
  for (const { id } of known) assertStringIncludes(page, `"id":"${id}"`);
});

Deno.test("a page that a kill or a crash cut off is made again", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  assertEquals((await runInMemory(EXPORT_ARGS, options)).code, 0);
  const [killed, stopped] = workspace.files.map(({ id }) => pageOf(id));
  const pages = [killed!, stopped!].map((page) => read(disk, page));
  disk.put(killed!, null);
  disk.put(`${killed}.part`, "<!doctype html>");
  disk.put(stopped!, "");
  const resume = ["--resume", MEMORY_EXPORT, "-q"];
  assertEquals((await runInMemory(resume, options)).code, 0);
  assertEquals([killed!, stopped!].map((page) => read(disk, page)), pages);
});

Deno.test("a page that cannot be made is reported, and the others are made", async () => {
  const disk = new MemoryDisk();
  const reported: string[] = [];
  const broken = { id: "pr_1", type: "prompt", path: null, state: "complete" };
  const writer = new PageWriter(disk, "/x", {
    onFailure: (id, error) => void reported.push(`${id}: ${error}`),
  });
  await writer.write(broken as unknown as FileData);
  assertEquals(disk.files("/x"), new Map());
  assert(reported[0]!.startsWith("pr_1: TypeError"), reported[0]);
});

Deno.test("index refuses an export that another run holds", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  const none = await runInMemory(["index", "/nowhere"], options);
  assertEquals(none.code, 2);
  assertStringIncludes(none.err, "there is no directory /nowhere");
  await runInMemory(EXPORT_ARGS, options);
  const log = `${MEMORY_EXPORT}/export.log`;
  const held = await disk.open(log, { append: true });
  assert(await held.tryLock(true));
  const busy = await runInMemory(["index", MEMORY_EXPORT], options);
  assertEquals(busy.code, 2);
  assertStringIncludes(busy.err, "another run is at work on");
});
