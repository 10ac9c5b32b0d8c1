import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { run, start } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readManifest,
  tempDir,
} from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const directoryId = (path: string) =>
  workspace.directories.find((one) => one.path === path)!.id;
const env = { HUMANLOOP_API_KEY: DEMO_KEY };

Deno.test("the real program exports the whole workspace, byte for byte", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const { code, out, err } = await start([
    "export",
    "--logs",
    "--api-url",
    server.url,
    "--output",
    dir.path,
  ], env).ended;
  // On a slow machine a line of progress may come.
  const said = err.split("\n").filter((line) => !line.includes(" · "));
  assertEquals([code, said], [0, [""]]);
  const root = await onlyExport(dir.path);
  await assertTree(root, expectedTree(workspace, { logs: true }));
  assertStringIncludes(out, `Export complete: ${root}\n`);
  assertStringIncludes(
    out,
    "  Files    14 exported, 0 skipped (complete already), 0 failed\n" +
      "  Records  29 Versions, 21 Deployments, 4,863 Datapoints, 2 Evaluations, 4 Runs, 1,224 Evaluation Logs, 4,422 Logs\n",
  );
  const manifest = await readManifest(root);
  assertEquals([manifest.state, manifest.gaps], ["complete", []]);
  assertEquals(Object.keys(manifest.files).length, 14);
  const stat = await Deno.stat(root);
  if (Deno.build.os !== "windows") assertEquals(stat.mode! & 0o777, 0o700);
});

Deno.test("without Logs, then widened: the tree of one that had them from the start", async () => {
  await using dir = await tempDir();
  const asked: string[] = [];
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: (url) => void asked.push(url.pathname),
  });
  const args = ["--api-url", server.url, "--output", dir.path];
  assertEquals((await run(args, { env })).code, 0);
  const root = await onlyExport(dir.path);
  await assertTree(root, expectedTree(workspace, { logs: false }));

  asked.length = 0;
  const resumed = await run(["--resume", root], { env });
  assertEquals(resumed.code, 0);
  const listing = ["/v5/directories", "/v5/files", "/v5/files"];
  assertEquals(asked.sort(), listing);
  assertStringIncludes(resumed.out, "0 exported, 14 skipped");

  asked.length = 0;
  const wider = await run(["--resume", root, "--logs"], { env });
  assertEquals(wider.code, 0);
  await assertTree(root, expectedTree(workspace, { logs: true }));
  const rest = asked.filter((path) => !path.endsWith("/logs"));
  assertEquals(rest.sort(), listing);

  const narrower = await run(["--resume", root, "--no-logs"], { env });
  assertEquals(narrower.code, 2);
  assertStringIncludes(narrower.err, "which --no-logs cannot remove");
});

Deno.test("EXPORT_LOGS widens a resume too, and settings come from export.json", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  await run(["--api-url", server.url, "--output", dir.path], { env });
  const root = await onlyExport(dir.path);
  const { code } = await run(["--resume", root], {
    env: { ...env, EXPORT_LOGS: "True" },
  });
  assertEquals(code, 0);
  await assertTree(root, expectedTree(workspace, { logs: true }));
});

Deno.test("a pretty-printed workspace is exported as if it had been compact", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY, pretty: true });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  assertEquals((await run(args, { env })).code, 0);
  const root = await onlyExport(dir.path);
  await assertTree(root, expectedTree(workspace, { logs: true }));
});

Deno.test("only a Directory and what is below it", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", dir.path, "--directory"];
  const { code } = await run([...args, directoryId("Support")], { env });
  assertEquals(code, 0);
  const root = await onlyExport(dir.path);
  const below = ["Support", "Support/Triage", "Support/Tools"].map(directoryId);
  const files = workspace.files.filter((file) =>
    below.includes(file.directoryId)
  );
  assertEquals(files.length, 6);
  const expected = expectedTree({ ...workspace, files }, { logs: false });
  await assertTree(root, expected);
  const other = await run(["--resume", root, "--directory", "dir_other"], {
    env,
  });
  assertEquals(other.code, 2);
  assertStringIncludes(other.err, "not dir_other; leave that setting out");
});

Deno.test("a server that knows no path filter does not widen the Directory", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const ignorant: typeof fetch = (input, init) => {
    const url = new URL(String(input));
    url.searchParams.delete("path");
    return fetch(url, init);
  };
  const id = directoryId("Shared");
  const { code } = await run(
    ["--api-url", server.url, "--output", dir.path, "--directory", id],
    { env, fetch: ignorant },
  );
  assertEquals(code, 0);
  const { files } = await readManifest(await onlyExport(dir.path));
  assertEquals(
    Object.values(files).map(({ path }) => path).sort(),
    [
      "Shared/Evaluators/Answer length",
      "Shared/Evaluators/Critique",
      "Shared/Evaluators/Exact label",
      "Shared/Evaluators/Tone",
      "Shared/Evaluators/Topics",
      "Shared/Smoke test",
    ],
  );
});

Deno.test("an unknown Directory is one clear line, exit 2, and nothing is written", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", dir.path];
  const { code, err } = await run([...args, "--directory", "dir_nope"], {
    env,
  });
  assertEquals(code, 2);
  assertEquals(
    err,
    "error: the workspace has no Directory dir_nope; check --directory or HUMANLOOP_DIRECTORY_ID, or leave it out to export everything\n",
  );
  assertEquals((await Array.fromAsync(Deno.readDir(dir.path))).length, 0);
});

for (const root of ['""', '"/"', "null"]) {
  Deno.test(`the root Directory with the path ${root} means everything`, async () => {
    await using dir = await tempDir();
    const directories = workspace.directories.map((one) =>
      one.path === ""
        ? { ...one, text: one.text.replace('"path":""', `"path":${root}`) }
        : one
    );
    await using server = serveDemo({ ...workspace, directories }, {
      key: DEMO_KEY,
    });
    const args = ["--api-url", server.url, "--output", dir.path];
    const { code } = await run([...args, "--directory", directoryId("")], {
      env,
    });
    assertEquals(code, 0);
    const { files } = await readManifest(await onlyExport(dir.path));
    assertEquals(Object.keys(files).length, 14);
  });
}

Deno.test("an empty workspace is a complete export", async () => {
  await using dir = await tempDir();
  const empty = { directories: [], files: [] };
  await using server = serveDemo(empty, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", dir.path];
  const { code } = await run(args, { env });
  assertEquals(code, 0);
  const root = await onlyExport(dir.path);
  await assertTree(root, new Map([["directories.json", "[]"]]));
});

Deno.test("a refused key is exit 5, leaves no directory, and the key is nowhere", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const key = "hl_sk_canary_canary";
  const { code, out, err } = await run(
    ["--verbose", "--api-url", server.url, "--output", dir.path],
    { env: { HUMANLOOP_API_KEY: key } },
  );
  assertEquals(code, 5);
  assertStringIncludes(err, "the API refused the key (HTTP 401");
  assertStringIncludes(err, "Nothing was saved; start again.");
  assertEquals(await Array.fromAsync(Deno.readDir(dir.path)), []);
  for (const text of [out, err]) assert(!text.includes(key));
});

Deno.test("a key revoked midway ends with exit 5, and a resume completes it", async () => {
  await using dir = await tempDir();
  let requests = 0;
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: () =>
      ++requests > 25 && requests < 1000
        ? Response.json({ detail: "Invalid API key." }, { status: 401 })
        : undefined,
  });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  const { code, err } = await run(args, { env });
  assertEquals(code, 5);
  const root = await onlyExport(dir.path);
  assertStringIncludes(
    err,
    `To resume: hl-export --resume ${root} --api-url ${server.url}\n`,
  );
  assert(requests < 80, `${requests} requests were made`);
  assertEquals((await readManifest(root)).state, "interrupted");
  requests = 1000;
  assertEquals((await run(["--resume", root], { env })).code, 0);
  await assertTree(root, expectedTree(workspace, { logs: true }));
});

Deno.test("another workspace is refused before anything is written", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", dir.path];
  assertEquals((await run(args, { env })).code, 0);
  const root = await onlyExport(dir.path);
  const foreign = {
    ...workspace,
    directories: workspace.directories.map((one) => ({
      ...one,
      text: one.text.replaceAll("dir_", "dir_x"),
    })),
  };
  await using other = serveDemo(foreign, { key: "hl_sk_elsewhere" });
  const redirected: typeof fetch = (input, init) =>
    fetch(String(input).replace(server.url, other.url), init);
  const before = await Deno.readTextFile(join(root, "export.json"));
  const { code, err } = await run(["--resume", root], {
    env: { HUMANLOOP_API_KEY: "hl_sk_elsewhere" },
    fetch: redirected,
  });
  assertEquals(code, 2);
  assertStringIncludes(err, "this export is of another workspace");
  assertEquals(await Deno.readTextFile(join(root, "export.json")), before);
  await assertTree(root, expectedTree(workspace, { logs: false }));
});

Deno.test("of two runs on one export the second is refused", async () => {
  await using dir = await tempDir();
  const hold = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: async (url) => {
      if (url.pathname !== "/v5/logs") return;
      reached.resolve();
      await hold.promise;
      return undefined;
    },
  });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  const first = run(args, { env });
  await reached.promise;
  const root = await onlyExport(dir.path);
  const second = await run(["--resume", root], { env });
  hold.resolve();
  assertEquals(second.code, 2);
  assertStringIncludes(second.err, "another run is at work on");
  assertEquals((await first).code, 0);
  await assertTree(root, expectedTree(workspace, { logs: true }));
});

Deno.test("a kill between .done and the end of the state leaves nothing behind", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  await run(args, { env });
  const root = await onlyExport(dir.path);
  const state = join(root, "files", workspace.files[0]!.id, ".state.json");
  await Deno.writeTextFile(state, '{"lists":{}}');
  assertEquals((await run(["--resume", root], { env })).code, 0);
  await assertTree(root, expectedTree(workspace, { logs: true }));
});
