/** The API is reached, or not, before anything is written. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";

const workspace = sampleWorkspace();
const API = ["--api-url", "http://127.0.0.1/v5"];
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  export: EXPORT_ARGS,
  plan: ["plan", ...API],
  "verify --remote": ["verify", MEMORY_EXPORT, "--remote", ...API],
};

/** Makes a finished export of everything. */
async function exported(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  assertEquals((await runInMemory(EXPORT_ARGS, { disk, workspace })).code, 0);
  return disk;
}

for (const [name, args] of Object.entries(COMMANDS)) {
  Deno.test(`${name}: a wrong key is exit 5, and nothing is written`, async () => {
    const disk = name === "export" ? new MemoryDisk() : await exported();
    const before = disk.files("");
    const key = `${DEMO_KEY}x`;
    const { code, err } = await runInMemory(args, { disk, workspace, key });
    assertEquals(code, 5);
    assertStringIncludes(err, "the API refused the key");
    assertEquals(disk.files(""), before);
    if (name === "export") {
      assertStringIncludes(err, "Nothing was saved; start again.\n");
    }
  });

  Deno.test(`${name}: an API that cannot be reached is exit 3 and one error, and nothing is written`, async () => {
    const disk = name === "export" ? new MemoryDisk() : await exported();
    const before = disk.files("");
    const { code, err } = await runInMemory(args, {
      disk,
      workspace,
      before: () => new TypeError("connection refused"),
    });
    assertEquals(code, 3, err);
    assertEquals(err.match(/^error: .*cannot reach the API/gm)?.length, 1, err);
    assertEquals(disk.files(""), before);
  });
}

Deno.test("an export asks for Directories and Files along with the request that reaches the API, and writes nothing before its answer", async () => {
  const disk = new MemoryDisk();
  const asked: string[] = [];
  let first: readonly unknown[] | null = null;
  const { code } = await runInMemory(EXPORT_ARGS, {
    disk,
    workspace,
    latencyMs: (url) => {
      asked.push(url.pathname + url.search);
      return 50;
    },
    before: () => {
      first ??= [[...asked], disk.files("").size];
      return undefined;
    },
  });
  assertEquals(code, 0);
  assertEquals(first, [[
    "/v5/files?page=1&size=1",
    "/v5/directories",
    "/v5/files?sort_by=created_at&order=asc&page=1&size=100",
  ], 0]);
});

for (
  const args of [["--resume", MEMORY_EXPORT], COMMANDS["verify --remote"]!]
) {
  const shown = args.join(" ");
  Deno.test(`${shown} never sends the key to an address that only export.json names`, async () => {
    const disk = await exported();
    let requests = 0;
    const said = args.filter((word) => !API.includes(word));
    const { code, err } = await runInMemory(said, {
      disk,
      workspace,
      before: () => (requests++, undefined),
      env: { HUMANLOOP_API_URL: "" },
    });
    assertEquals([code, requests], [2, 0]);
    assertEquals(
      err,
      "error: this export is from http://127.0.0.1/v5, but the settings name https://api.humanloop.com/v5; if the key may be sent to the first, give that with --api-url\n",
    );
    const trusted = await runInMemory([...said, ...API], { disk, workspace });
    assertEquals(trusted.code, 0, trusted.err);
  });
}

Deno.test("a key that is sent unencrypted gets a warning", async () => {
  const disk = new MemoryDisk();
  const args = ["plan", "--api-url", "http://api.test/v5"];
  const { code, err } = await runInMemory(args, { disk, workspace });
  assertEquals(code, 0);
  assertEquals(
    err,
    "warn: the key is sent to http://api.test/v5 unencrypted, and others on the network can read it\n",
  );
});
