/** `repair` sets aside what is broken, never deletes it, and a resume mends the rest. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/deno_runtime.ts";
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

/** What an export holds beside what was set aside, and the bookkeeping of runs. */
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
  const found = await verifyExports({ disk, dirs });
  assert(found.problems.length >= 6);
  assertEquals(advicesOf(found.problems), [
    "verify --repair sets it aside and fetches it again",
    "resume",
  ]);
  const moved = await repair(disk, MEMORY_EXPORT, found.problems);
  const paths = [
    "directories.json",
    `${P}/.done`,
    `${P}/logs/2.jsonl`,
    `${P}/notes.txt`,
    version,
  ];
  assertEquals(
    moved,
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
    const moved = await repair(disk, root, problems);
    assertEquals(moved.map(({ path }) => path), [
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
