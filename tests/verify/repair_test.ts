/** `repair` sets aside what is broken, never deletes it, and a resume mends the rest. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { UsageError } from "../../src/core/errors.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { openExportDir } from "../../src/tree/export_dir.ts";
import { advicesOf } from "../../src/verify/problems.ts";
import { repair } from "../../src/verify/repair.ts";
import { verifyExports } from "../../src/verify/verify.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { isBookkeeping, tempDir } from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const [prompt] = workspace.files;
const P = `files/${prompt!.id}`;
const at = (name: string) => `${MEMORY_EXPORT}/${name}`;
const dirs = [MEMORY_EXPORT];
const REPAIR = [
  ...["verify", "--repair", MEMORY_EXPORT],
  ...["--api-url", "http://127.0.0.1/v5"],
];

/**
 * Returns what an export holds beside what was set aside, and the bookkeeping
 * of runs.
 */
function held(disk: MemoryDisk): Map<string, string> {
  return new Map(
    [...disk.files(MEMORY_EXPORT)].filter(([name]) =>
      !isBookkeeping(name) && !name.startsWith("damaged/")
    ),
  );
}

Deno.test("six problems of a File are one advice and one repair, and the export is what it was", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  const before = held(disk);
  const version = `${P}/versions/${prompt!.versions[0]!.id}`;
  disk.put(at(version), "{");
  disk.put(at(`${P}/logs/2.jsonl`), '{"id":"mine"}\n');
  disk.put(at(`${P}/file.json`), null);
  disk.put(at(`${P}/notes.txt`), "mine");
  disk.put(at("directories.json"), "[]");
  const first = await verifyExports({ disk, dirs });
  assert(first.problems.length >= 6);
  assertEquals(advicesOf(first.problems), [
    "verify --repair sets it aside and fetches it again",
    "resume",
  ]);
  const setAside = await repair(disk, MEMORY_EXPORT, first.problems);
  const paths = [
    "directories.json",
    `${P}/.done`,
    `${P}/logs/2.jsonl`,
    `${P}/notes.txt`,
    version,
  ];
  assertEquals(
    setAside,
    paths.map((path) => ({ path, to: `damaged/1/${path}` })),
  );
  const kept = disk.files(at("damaged/1"));
  assertEquals([...kept.keys()].sort(), paths);
  assertEquals(kept.get(`${P}/logs/2.jsonl`), '{"id":"mine"}\n');
  const resume = ["--resume", MEMORY_EXPORT, "--quiet"];
  const { code, err } = await runInMemory(resume, { disk, workspace });
  assertEquals(code, 0, err);
  assertEquals(held(disk), before);
  assertEquals((await verifyExports({ disk, dirs })).problems, []);
  assertEquals(await repair(disk, MEMORY_EXPORT, []), []);
  // What was set aside may go.
  await disk.remove(at("damaged"));
  assertEquals((await verifyExports({ disk, dirs })).problems, []);
});

Deno.test("a second repair keeps the first, and nothing outside the export is touched", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  disk.put("/outside.txt", "mine");
  const sums = new TextDecoder().decode(disk.get(at("SHA256SUMS")));
  const sum = "0".repeat(64);
  for (const number of [1, 2]) {
    disk.put(at("SHA256SUMS"), `${sums}${sum}  ../../outside.txt\n`);
    disk.put(at("notes.txt"), `${number}`);
    const { problems } = await verifyExports({ disk, dirs });
    assert(problems.some(({ path }) => path === "../../outside.txt"));
    assertEquals(await repair(disk, MEMORY_EXPORT, problems), [
      { path: "notes.txt", to: `damaged/${number}/notes.txt` },
    ]);
  }
  assertEquals(new TextDecoder().decode(disk.get("/outside.txt")), "mine");
  assertEquals(
    disk.files(at("damaged")),
    new Map([
      ["1/notes.txt", "1"],
      ["2/notes.txt", "2"],
    ]),
  );
});

Deno.test({
  name:
    "links and FIFOs are set aside as they are, and no repair enters where a run is at work",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { disk } = denoRuntime();
    await using dir = await tempDir();
    const root = join(dir.path, "export");
    await Deno.mkdir(join(root, "files/pr_1"), { recursive: true });
    await Deno.writeTextFile(join(root, "files/pr_1/.done"), "Exported\n");
    await Deno.writeTextFile(join(dir.path, "outside"), "mine");
    const link = join(root, "files/pr_1/file.json");
    await Deno.symlink(join(dir.path, "outside"), link);
    const { problems } = await verifyExports({ disk, dirs: [root] });
    const setAside = await repair(disk, root, problems);
    assertEquals(setAside.map(({ path }) => path), [
      "files/pr_1/.done",
      "files/pr_1/file.json",
    ]);
    const info = await Deno.lstat(join(root, "damaged/1/files/pr_1/file.json"));
    assert(info.isSymlink);
    assertEquals(await Deno.readTextFile(join(dir.path, "outside")), "mine");
    const run = await openExportDir(disk, root);
    await assertRejects(
      () => repair(disk, root, problems),
      UsageError,
      "another run is at work",
    );
    run.log.close();
  },
});

Deno.test("verify --repair sets aside, resumes and verifies, in one command", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  const before = held(disk);
  disk.put(at(`${P}/logs/2.jsonl`), '{"id":"mine"}\n');
  const { code, out, err } = await runInMemory(REPAIR, { disk, workspace });
  assertEquals(code, 0, out + err);
  assert(out.includes(`${P}/logs/2.jsonl: is not what was written`), out);
  assert(
    out.includes(
      `${at(`${P}/logs/2.jsonl`)} is set aside as ${
        at(`damaged/1/${P}/logs/2.jsonl`)
      }\n`,
    ),
    out,
  );
  assert(out.includes(`Export complete: ${MEMORY_EXPORT}`), out);
  assert(out.includes(`Export is sound: ${MEMORY_EXPORT}`), out);
  assertEquals(held(disk), before);
  const second = await runInMemory(REPAIR, { disk, workspace });
  assertEquals(second.code, 0);
  assert(
    second.out.endsWith("There is nothing that --repair can fix\n"),
  );
});

Deno.test("verify --repair --json is one document, with the resume's in it", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  disk.put(at(`${P}/notes.txt`), "mine");
  const args = [...REPAIR, "--json"];
  const { code, out } = await runInMemory(args, { disk, workspace });
  const { exitCode, problems, repair: repaired } = JSON.parse(out);
  assertEquals([code, exitCode, problems], [0, 0, []]);
  assertEquals(
    repaired.setAside.map(({ path }: { path: string }) => path),
    [`${P}/.done`, `${P}/notes.txt`],
  );
  assertEquals(repaired.resumed.length, 1);
  assertEquals(repaired.resumed[0].state, "complete");
});

Deno.test("verify --repair changes nothing where the API refuses the key, or a resume would be refused", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  disk.put(at(`${P}/file.json`), "{");
  const before = disk.files(MEMORY_EXPORT);
  const refused = await runInMemory(REPAIR, {
    ...{ disk, workspace },
    key: "hl_sk_of_nobody",
  });
  assertEquals(refused.code, 5);
  const env = { HUMANLOOP_DIRECTORY_ID: "dir_of_another" };
  const other = await runInMemory(REPAIR, { disk, workspace, env });
  assertEquals(other.code, 2);
  assertEquals(disk.files(MEMORY_EXPORT), before);
});

Deno.test("a repair that the API does not complete ends with the exit code of its resume, and keeps the rest", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  disk.put(at(`${P}/deployments.json`), "{");
  const { code, out } = await runInMemory(REPAIR, {
    ...{ disk, workspace },
    before: (url) =>
      url.pathname.includes(prompt!.id)
        ? new Response("", { status: 404 })
        : undefined,
  });
  assertEquals(code, 3, out);
  assert(out.includes(`${P}: is not complete`), out);
});

Deno.test("several exports are verified and indexed at once, each by its own name", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  for (const index of [1, 2]) {
    await runInMemory([...EXPORT_ARGS, "--shard", `${index}/2`], options);
  }
  const second = `${MEMORY_EXPORT}-2`;
  const both = [MEMORY_EXPORT, second];
  const sound = await runInMemory([
    "verify",
    "--remote",
    ...both,
    ...REPAIR.slice(3),
  ], options);
  assertEquals(sound.code, 0, sound.out);
  assert(sound.out.startsWith(`Exports are sound: ${both.join(", ")}\n`));
  assert(sound.out.includes("  Files    14 complete, 0 not\n"), sound.out);
  disk.put(`${second}/notes.txt`, "mine");
  const damaged = await runInMemory(["verify", ...both], options);
  assertEquals(damaged.code, 4);
  assert(
    damaged.out.startsWith(`${second}/notes.txt: does not belong here\n`),
    damaged.out,
  );
  const repaired = await runInMemory(
    ["verify", "--repair", ...both, ...REPAIR.slice(3)],
    options,
  );
  assertEquals(repaired.code, 0, repaired.out + repaired.err);
  assertEquals(
    [...disk.files(`${second}/damaged`).keys()],
    ["1/notes.txt"],
  );
  for (const dir of both) disk.put(`${dir}/index.html`, null);
  const indexed = await runInMemory(["index", "--json", ...both], options);
  const { exitCode, exports } = JSON.parse(indexed.out);
  assertEquals([indexed.code, exitCode], [0, 0]);
  assertEquals(
    exports.map(({ exportDir, page }: Record<string, string>) => [
      exportDir,
      page,
      disk.get(page!) !== undefined,
    ]),
    both.map((dir) => [dir, `${dir}/index.html`, true]),
  );
});
