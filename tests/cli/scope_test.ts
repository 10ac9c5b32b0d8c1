/** Every command prints the scope at its end. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  MEMORY_OUTPUT,
  runInMemory,
} from "../helpers/memory_run.ts";

const workspace = sampleWorkspace();
const ARGS = EXPORT_ARGS.filter((arg) => !["--quiet", "--logs"].includes(arg));
const RESUME =
  `hl-export --resume ${MEMORY_EXPORT} --api-url http://127.0.0.1/v5`;

Deno.test("an export without Logs says so, and how to add them", async () => {
  const disk = new MemoryDisk();
  const plain = await runInMemory(ARGS, { disk, workspace });
  assertEquals(plain.code, 0);
  assertStringIncludes(plain.out, "\n  Scope    all but Logs\n");
  assert(
    plain.out.endsWith(`\nWithout Logs; add them: ${RESUME} --logs\n`),
    plain.out,
  );
  const remote = ["verify", MEMORY_EXPORT, "--remote"];
  const verified = await runInMemory(remote, { disk, workspace });
  assertEquals(verified.code, 0);
  assertStringIncludes(verified.out, "\n  Scope    all but Logs\n");
  assertStringIncludes(
    verified.out,
    "  Same counts as the API: all but Logs\n",
  );
  const [, ...words] = `${RESUME} --logs`.split(" ");
  const wider = await runInMemory(words, { disk, workspace });
  assertEquals(wider.code, 0);
  assertStringIncludes(wider.out, "\n  Scope    everything\n");
  assert(!wider.out.includes("Without Logs"), wider.out);
});

Deno.test("an export of a part names the filters, in text and JSON", async () => {
  const disk = new MemoryDisk();
  const args = [...ARGS, "--type", "tool", "--no-logs", "--json"];
  const { out } = await runInMemory(args, { disk, workspace });
  const { scope, logs, directoryId, filters } = JSON.parse(out);
  assertEquals({ scope, logs, directoryId, filters }, {
    scope: "all but Logs, only --type tool",
    logs: false,
    directoryId: null,
    filters: "--type tool",
  });
  const verify = ["verify", MEMORY_EXPORT, "--json", "--remote"];
  const verified = JSON.parse(
    (await runInMemory(verify, { disk, workspace }))
      .out,
  );
  assertEquals(verified.scope, "all but Logs, only --type tool");
});

for (
  const [answer, logs] of [["y", true], ["", false], ["no", false]] as const
) {
  Deno.test(`a terminal is asked once for Logs: ${answer || "Enter"}`, async () => {
    const disk = new MemoryDisk();
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(answer);
    };
    const { code, out } = await runInMemory(ARGS, { disk, workspace, ask });
    assertEquals([code, asked], [0, ["Also export Logs? [y/N] "]]);
    const scope = logs ? "everything" : "all but Logs";
    assertStringIncludes(out, `\n  Scope    ${scope}\n`);
  });
}

Deno.test("the question about Logs is not asked where flag, variable, --quiet or --json decide", async () => {
  const ask = () => Promise.reject(new Error("asked"));
  for (const more of [["--logs"], ["--no-logs"], ["-q"], ["--json"]]) {
    const disk = new MemoryDisk();
    const args = [...ARGS, ...more];
    const { code, err } = await runInMemory(args, { disk, workspace, ask });
    assertEquals(code, 0, err);
  }
  const env = { EXPORT_LOGS: "false" };
  const disk = new MemoryDisk();
  const options = { disk, workspace, ask, env };
  assertEquals((await runInMemory(ARGS, options)).code, 0);
  const resumed = await runInMemory(["--resume", MEMORY_EXPORT], options);
  assertEquals(resumed.code, 0);
});

Deno.test("--quiet prints the export's path and nothing else", async () => {
  const disk = new MemoryDisk();
  const args = [...ARGS, "--quiet"];
  const complete = await runInMemory(args, { disk, workspace });
  assertEquals(complete, { code: 0, out: `${MEMORY_EXPORT}\n`, err: "" });
  const before = (url: URL) =>
    url.pathname.endsWith("/versions")
      ? new Response("", { status: 404 })
      : undefined;
  const partly = await runInMemory(args, {
    disk: new MemoryDisk(),
    workspace,
    before,
  });
  assertEquals([partly.code, partly.out], [3, `${MEMORY_EXPORT}\n`]);
  assertStringIncludes(partly.err, "Export INCOMPLETE");
});

Deno.test("latest is the newest export, for every command", async () => {
  const disk = new MemoryDisk();
  await runInMemory(ARGS, { disk, workspace });
  for (const name of ["20240101-000000", "20250531-235959", "notes"]) {
    await disk.mkdir(`${MEMORY_OUTPUT}/${name}`);
  }
  const output = ["--output", MEMORY_OUTPUT];
  for (
    const args of [
      ["verify", "latest", "--json"],
      ["index", "latest", "--json"],
      ["prompts", "latest", "--to", "/out", "--json"],
      ["--resume", "latest", "--json"],
    ]
  ) {
    const { code, out, err } = await runInMemory([...args, ...output], {
      disk,
      workspace,
      env: { HUMANLOOP_API_URL: "http://127.0.0.1/v5" },
    });
    assertEquals(code, 0, err);
    assertEquals(JSON.parse(out).exportDir, MEMORY_EXPORT, args.join(" "));
  }
  const second = `${MEMORY_EXPORT}-2`;
  await disk.mkdir(second);
  const { err } = await runInMemory(["verify", "latest", ...output], {
    disk,
    workspace,
  });
  assertStringIncludes(err, `${second} is not an export`);
});

Deno.test("index, verify and prompts print one JSON document, and no DIR// in any text", async () => {
  const disk = new MemoryDisk();
  await runInMemory(ARGS, { disk, workspace });
  const documentOf = async (args: readonly string[]) => {
    const { code, out, err } = await runInMemory(args, { disk, workspace });
    assertEquals([code, err], [0, ""]);
    return JSON.parse(out);
  };
  const dir = `${MEMORY_EXPORT}/`;
  assertEquals(await documentOf(["index", dir, "--json"]), {
    exitCode: 0,
    exportDir: MEMORY_EXPORT,
    page: `${MEMORY_EXPORT}/index.html`,
    pages: 14,
    failed: [],
    unread: [],
    lacking: [],
  });
  assertEquals(
    await documentOf(["prompts", dir, "--to", "/out", "--json"]),
    {
      exitCode: 0,
      exportDir: MEMORY_EXPORT,
      exportDirs: [MEMORY_EXPORT],
      to: "/out",
      files: 5,
      versions: 14,
      unread: [],
      inexact: [],
    },
  );
  const verified = await documentOf(["verify", dir, "--json"]);
  assertEquals(
    [verified.exitCode, verified.exportDir, verified.problems, verified.files],
    [0, MEMORY_EXPORT, [], { complete: 14, incomplete: 0 }],
  );
  const damaged = `files/${workspace.files[0]!.id}/file.json`;
  await disk.remove(`${MEMORY_EXPORT}/${damaged}`);
  const { code, out } = await runInMemory(["verify", dir, "--json"], {
    disk,
    workspace,
  });
  const { exitCode, problems } = JSON.parse(out);
  assertEquals([code, exitCode], [4, 4]);
  assert(problems.some(({ path }: { path: string }) => path === damaged), out);
  const text = await runInMemory(["index", dir], { disk, workspace });
  assert(text.out.startsWith(`${MEMORY_EXPORT}/index.html and `), text.out);
});
