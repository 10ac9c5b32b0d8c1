/** The key is nowhere in what a run leaves behind, whatever happens to the run. */
import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { type Ended, start } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";

const CANARY = "hl_sk_canary3f9a1c7e5b2d8046";
const TOO_MUCH = CANARY.slice(0, 8);
const workspace = sampleWorkspace();
const LOUD = EXPORT_ARGS.map((arg) => arg === "--quiet" ? "--verbose" : arg);

/** Servers that quote the key, in every way. */
const ECHOES: ReadonlyArray<readonly [string, () => Response | Error]> = [
  ["an error's text", () => new Response(`bad key ${CANARY}`, { status: 500 })],
  [
    "an error's JSON",
    () => Response.json({ detail: `key ${CANARY}` }, { status: 404 }),
  ],
  [
    "a refusal",
    () => Response.json({ detail: [{ key: CANARY }] }, { status: 401 }),
  ],
  ["a redirect", () =>
    new Response("", {
      status: 307,
      headers: { location: `https://other.test/${CANARY}` },
    })],
  ["a redirect's host", () =>
    new Response("", {
      status: 307,
      headers: { location: `https://${CANARY}.test/` },
    })],
  [
    "an error in another case",
    () => new Response(`bad key ${CANARY.toUpperCase()}`, { status: 503 }),
  ],
  [
    "an error's text, cut inside it,",
    () => new Response(`${"x".repeat(190)}${CANARY}`, { status: 500 }),
  ],
  [
    "a field that is quoted",
    () => Response.json({ records: [], page: `${"x".repeat(25)}${CANARY}` }),
  ],
  ["a page that is not JSON", () => new Response(`<p>${CANARY}</p>`)],
  ["a broken connection", () => new TypeError(`x-api-key: ${CANARY}: reset`)],
  ["an id", () =>
    Response.json({
      records: [{ id: `../${CANARY}`, type: CANARY }],
      page: 1,
      size: 100,
      total: 1,
    })],
];
for (const [name, echo] of ECHOES) {
  Deno.test(`a key that ${name} holds is printed nowhere`, async () => {
    const disk = new MemoryDisk();
    let n = 0;
    const isFirst = ({ pathname, searchParams }: URL) =>
      pathname === "/v5/directories" ||
      pathname === "/v5/files" && searchParams.get("size") === "1";
    const before = (url: URL) =>
      isFirst(url) || n++ % 3 > 0 ? undefined : echo();
    const ended = await runInMemory(LOUD, {
      disk,
      workspace,
      before,
      key: CANARY,
      serverKey: CANARY,
    });
    assertNowhere(ended, [...disk.files("/exports")]);
    const verified = await runInMemory(["verify", MEMORY_EXPORT, "--remote"], {
      disk,
      workspace,
      before,
      key: CANARY,
      serverKey: CANARY,
    });
    assertNowhere(verified, []);
  });
}

Deno.test("a key that a gap quotes is not on a page", async () => {
  const disk = new MemoryDisk();
  const before = (url: URL) =>
    url.pathname === "/v5/evaluations"
      ? Response.json({
        records: [{ id: `../${CANARY}` }],
        page: 1,
        size: 100,
        total: 1,
      })
      : undefined;
  const options = { disk, workspace, before, key: CANARY, serverKey: CANARY };
  const ended = await runInMemory(LOUD, options);
  assertEquals(ended.code, 3);
  const files = [...disk.files("/exports")];
  assertNowhere(ended, files);
  const pages = files.filter(([name, text]) =>
    name.endsWith("index.html") && text.includes("is not safe as a file name")
  );
  assert(pages.length > 1, "the gap is on the File's page and the overview");
});

Deno.test("an internal error that quotes the key does not reveal it", async () => {
  const disk = new MemoryDisk();
  disk.rename = () => {
    throw new RangeError(`cannot send ${CANARY}`);
  };
  const { code, out, err } = await runInMemory(LOUD, {
    disk,
    workspace,
    key: CANARY,
    serverKey: CANARY,
  });
  assertEquals(code, 1);
  assertNowhere({ code, out, err }, [...disk.files("/exports")]);
  assert(err.includes("[key]"), err);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test({
    name: `a run ended by ${signal} leaves the key nowhere`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      await using dir = await tempDir();
      const child = Promise.withResolvers<Deno.ChildProcess>();
      let requests = 0;
      await using server = serveDemo(workspace, {
        key: CANARY,
        before: async () => {
          if (++requests === 40) (await child.promise).kill(signal);
          return requests % 5 === 0
            ? new Response(`busy ${CANARY}`, { status: 503 })
            : undefined;
        },
      });
      const args = ["--logs", "--verbose", "--api-url", server.url];
      const { process, ended } = start([...args, "--output", dir.path], {
        HUMANLOOP_API_KEY: CANARY,
      });
      child.resolve(process);
      const files: Array<[string, string]> = [];
      const told = await ended;
      for await (const { path } of walk(dir.path, { includeDirs: false })) {
        files.push([path, await Deno.readTextFile(path)]);
      }
      assert(files.length > 0);
      assertNowhere(told, files);
    },
  });
}

function assertNowhere(
  { out, err }: Ended,
  files: ReadonlyArray<readonly [string, string]>,
): void {
  const texts = [["stdout", out], ["stderr", err], ...files] as const;
  // Neither the key nor enough of it to know it by, in whatever case.
  const isTold = (text: string) => text.toLowerCase().includes(TOO_MUCH);
  const leaks = texts.filter((pair) => pair.some(isTold));
  assertEquals(leaks.map(([name]) => name), []);
}
