import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import {
  CLASSIFIER,
  FLOW,
  LOOKUP,
  sampleWorkspace,
  SMOKE,
} from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { run } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  readTree,
  tempDir,
  type Tree,
} from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const env = { HUMANLOOP_API_KEY: DEMO_KEY, EXPORT_LOGS: "true" };
const whole = expectedTree(workspace, { logs: true });
const CLASSIFIER_LOGS = whole.get(`files/${CLASSIFIER.id}/logs/1.jsonl`)!;
const DONE = "Exported at 2025-06-06 12:00:00\n";

async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [path, text] of tree) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
}

/** Returns what the official script leaves when it is stopped midway. */
function officialTree(): Tree {
  const tree: Tree = new Map([["export.log", "2025-06-06 | INFO | began\n"]]);
  // Done, with Logs: an odd first chunk of 1001 lines is left as it is.
  for (const id of [LOOKUP.id, SMOKE.id]) {
    for (const [path, text] of whole) {
      if (path.startsWith(`files/${id}/`)) tree.set(path, text);
    }
    tree.set(`files/${id}/.done`, DONE);
  }
  // Unfinished, with stale files.
  const root = `files/${CLASSIFIER.id}`;
  tree.set(`${root}/file.json`, "{}");
  const logs = CLASSIFIER_LOGS.split("\n");
  tree.set(`${root}/logs/1.jsonl`, `${logs.slice(0, 999).join("\n")}\n`);
  tree.set(`${root}/logs/9.jsonl`, `${logs.slice(3, 5).join("\n")}\n`);
  return tree;
}

/** Returns what the official script leaves of a Flow that it did without Logs. */
function withoutLogs(): Tree {
  const tree: Tree = new Map();
  for (const [path, text] of expectedTree(workspace, { logs: false })) {
    if (!path.startsWith(`files/${FLOW.id}/`)) continue;
    tree.set(path, path.endsWith("/.done") ? DONE : text);
  }
  return tree;
}

Deno.test("an export that the official script began is completed", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, officialTree());
  const asked: string[] = [];
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: (url) => void asked.push(url.pathname + url.search),
  });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, out } = await run(args, { env });
  assertEquals(code, 0);
  assertStringIncludes(out, "12 exported, 2 skipped (complete already)");
  const expected = new Map(whole);
  for (const id of [LOOKUP.id, SMOKE.id]) {
    expected.set(`files/${id}/.done`, DONE);
    const logs = asked.filter((one) => one.includes(`file_id=${id}`));
    assertEquals(logs.filter((one) => !/size=(1|100)$/.test(one)), []);
  }
  await assertTree(root, expected);
});

/**
 * Checks that a complete File of the official script is exported again, and is
 * whole then.
 *
 * @param change Changes what is there of the File; gets the path of its directory.
 */
async function assertExportedAgain(
  change: (tree: Tree, file: string) => void,
): Promise<void> {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  const file = `files/${CLASSIFIER.id}/`;
  const tree: Tree = new Map(
    [...whole].filter(([path]) => path.startsWith(file)),
  );
  tree.set(`${file}.done`, DONE);
  change(tree, file);
  await writeTree(root, tree);
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, out, err } = await run(args, { env });
  assertEquals(code, 0, err);
  assertStringIncludes(out, "14 exported, 0 skipped (complete already)");
  await assertTree(root, whole);
}

for (
  const name of [
    "file.json",
    "deployments.json",
    "evaluation.json",
    "stats.json",
  ]
) {
  Deno.test(`a File of the official script that lacks its ${name} is exported again`, () =>
    assertExportedAgain((tree) => {
      for (const path of [...tree.keys()]) {
        if (path.endsWith(`/${name}`)) tree.delete(path);
      }
    }));
}

Deno.test("what the official script exported and the API no longer has is kept and reported", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  const path = `files/${CLASSIFIER.id}`;
  const stale = '{"id": "stale"}\n';
  await writeTree(
    root,
    new Map([
      ...officialTree(),
      [`${path}/logs/9.jsonl`, stale],
      [`${path}/versions/prv_stale`, "{}"],
    ]),
  );
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, out } = await run(args, { env });
  assertEquals(code, 3);
  assertStringIncludes(out, "logs.old holds records that an earlier run read");
  assertStringIncludes(out, "it is kept as prv_stale.old");
  const tree = await readTree(root);
  assertEquals(tree.get(`${path}/logs.old/9.jsonl`), stale);
  assertEquals(tree.get(`${path}/versions/prv_stale.old`), "{}");
  assertEquals(tree.has(`${path}/.done`), false);
});

Deno.test("Files that the official script exported without Logs get them", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, withoutLogs());
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  assertEquals((await run(args, { env })).code, 0);
  await assertTree(root, whole);
});

Deno.test("while Logs are added to an official export without them, .done does not cover them", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, withoutLogs());
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: (url) =>
      url.pathname.endsWith("/logs") && url.searchParams.get("page") === "2"
        ? new Response("{}", { status: 403 })
        : undefined,
  });
  const args = ["--resume", root, "--api-url", server.url];
  assertEquals((await run(args, { env })).code, 3);
  const done = (await readTree(root)).get(`files/${FLOW.id}/.done`)!;
  assertEquals(JSON.parse(done).logs, false);
});

Deno.test("files of an official export that were damaged since are exported again, by the sizes of its sums", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, officialTree());
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  assertEquals((await run(args, { env })).code, 0);
  const path = join(root, "files", LOOKUP.id, "logs", "1.jsonl");
  // All of its lines are there, but the last has no end.
  await Deno.truncate(path, (await Deno.stat(path)).size - 1);
  const { code, out } = await run(args, { env });
  assertEquals(code, 0);
  assertStringIncludes(out, "1 exported, 13 skipped (complete already)");
  assertEquals(
    await Deno.readTextFile(path),
    whole.get(`files/${LOOKUP.id}/logs/1.jsonl`),
  );
});

Deno.test("a missing Version is noticed even if a run ended before the Versions had sums", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, officialTree());
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  assertEquals((await run(args, { env })).code, 0);
  const sums = await Deno.readTextFile(join(root, "SHA256SUMS"));
  const isOfVersion = /files\/[^/]+\/versions\//;
  const kept = sums.split("\n").filter((line) => !isOfVersion.test(line));
  await Deno.writeTextFile(join(root, "SHA256SUMS"), kept.join("\n"));
  const path = `files/${FLOW.id}/versions/${FLOW.versions[0]!.id}`;
  await Deno.remove(join(root, path));
  const { code, out } = await run(args, { env });
  assertEquals(code, 0);
  assertStringIncludes(out, "1 exported, 13 skipped (complete already)");
  assertEquals((await readTree(root)).get(path), whole.get(path));
});

const DAMAGES: ReadonlyArray<
  readonly [name: string, damage: (text: string) => string]
> = [
  ["the end of the last line is missing", (text) => text.slice(0, -1)],
  ["one Log is there twice", (text) => `${text.split("\n")[0]}\n${text}`],
  ["one Log is there twice in place of another", (text) => {
    const [first, , ...others] = text.split("\n");
    return [first, first, ...others].join("\n");
  }],
];
for (const [name, damage] of DAMAGES) {
  Deno.test(`a File that the official script completed is exported again where ${name}`, async () => {
    await using dir = await tempDir();
    const root = join(dir.path, "20250606-120000");
    const tree = officialTree();
    const path = `files/${LOOKUP.id}/logs/1.jsonl`;
    await writeTree(root, new Map([...tree, [path, damage(tree.get(path)!)]]));
    await using server = serveDemo(workspace, { key: DEMO_KEY });
    const args = ["--resume", root, "--api-url", server.url];
    const { code, out } = await run(args, { env });
    assertEquals(code, 0);
    assertStringIncludes(out, "13 exported, 1 skipped (complete already)");
    assertEquals((await readTree(root)).get(path), whole.get(path));
  });
}

Deno.test("a File of the official script is exported again where a chunk follows one that is not full", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  const tree = officialTree();
  const logs = `files/${LOOKUP.id}/logs`;
  const text = tree.get(`${logs}/1.jsonl`)!;
  const end = text.indexOf("\n") + 1;
  tree.set(`${logs}/1.jsonl`, text.slice(end));
  tree.set(`${logs}/2.jsonl`, text.slice(0, end));
  await writeTree(root, tree);
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, out } = await run(args, { env });
  assertEquals(code, 0);
  assertStringIncludes(out, "13 exported, 1 skipped (complete already)");
  const there = await readTree(root);
  assertEquals(there.get(`${logs}/1.jsonl`), text);
  assertEquals(there.has(`${logs}/2.jsonl`), false);
});

Deno.test("a Log added since the official export is fetched, although as many were removed", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  const path = `files/${LOOKUP.id}/logs/1.jsonl`;
  const whole = officialTree().get(path)!;
  const removed = `{"id": "log_removed"}\n`;
  const earlier = whole.slice(whole.indexOf("\n") + 1) + removed;
  await writeTree(root, new Map([...officialTree(), [path, earlier]]));
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, out } = await run(args, { env });
  assertEquals(code, 3);
  assertStringIncludes(out, "logs.old holds records that an earlier run read");
  assertEquals((await readTree(root)).get(path), whole);
});

Deno.test("Logs that the official script lost all of are missed by verify --remote", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  const tree = officialTree();
  const logs = `files/${LOOKUP.id}/logs`;
  tree.delete(`${logs}/1.jsonl`);
  await writeTree(root, tree);
  await Deno.mkdir(join(root, logs));
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["verify", "--remote", root, "--api-url", server.url];
  const { code, out } = await run(args, { env });
  assertEquals(code, 4);
  assertStringIncludes(out, `${logs}: holds 0 records, the API has `);
});

const OTHERS: ReadonlyArray<
  readonly [name: string, path: string, change: (text: string) => string]
> = [
  [
    "a Version has the content of another",
    `versions/${CLASSIFIER.versions[0]!.id}`,
    (text) => text.replace(CLASSIFIER.versions[0]!.id, "prv_other"),
  ],
  [
    "Deployments were moved since",
    "deployments.json",
    (text) =>
      text.replace(/"environment_name": *"[^"]*"/, `"environment_name": "old"`),
  ],
  [
    "file.json is of another File",
    "file.json",
    (text) => text.replace(CLASSIFIER.id, "pr_other"),
  ],
];
for (const [name, path, change] of OTHERS) {
  Deno.test(`a File that the official script completed is exported again where ${name}`, () =>
    assertExportedAgain((tree, file) => {
      const text = tree.get(file + path)!;
      assert(change(text) !== text);
      tree.set(file + path, change(text));
    }));
}

Deno.test("an official export of another workspace is refused untouched", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "20250606-120000");
  await writeTree(root, new Map([["files/pr_strange/.done", DONE]]));
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const { code, err } = await run(args, { env });
  assertEquals(code, 2);
  assertStringIncludes(err, "none of its Files is in this one");
  assertEquals([...(await readTree(root)).keys()], ["files/pr_strange/.done"]);
});
