/** Damage whose sums were mended to fit, where the export itself holds the evidence. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { verifyExports } from "../../src/verify/verify.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { tempDir } from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const withLogs = workspace.files.filter(({ type, logs }) =>
  type !== "dataset" && logs.length > 0
);
const [a, b] = withLogs;
const dataset = workspace.files.find(({ type }) => type === "dataset")!;
const at = (name: string) => `${MEMORY_EXPORT}/${name}`;
const dirs = [MEMORY_EXPORT];
const text = (disk: MemoryDisk, name: string) =>
  new TextDecoder().decode(disk.get(at(name)));

async function exported(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { code } = await runInMemory(EXPORT_ARGS, { disk, workspace });
  assertEquals(code, 0);
  return disk;
}

/** Makes the sums those of what is there, as somebody would who hides a change. */
function mendSums(disk: MemoryDisk, options = { sizes: false }): void {
  const lines: string[] = [];
  const names = new Set(disk.files(MEMORY_EXPORT).keys());
  for (const line of text(disk, "SHA256SUMS").split("\n")) {
    const name = line.slice(66);
    if (!names.has(name)) continue;
    const bytes = disk.get(at(name));
    const sum = createHash("sha256").update(bytes).digest("hex");
    if (options.sizes) lines.push(`# ${bytes.length}  ${name}\n`);
    lines.push(`${sum}  ${name}\n`);
  }
  disk.put(at("SHA256SUMS"), lines.join(""));
}

/** Replaces a text everywhere in a file. */
function edit(disk: MemoryDisk, name: string, from: string, to: string): void {
  const before = text(disk, name);
  assert(before.includes(from), `${name} holds ${from}`);
  disk.put(at(name), before.replaceAll(from, to));
}

const A = `files/${a!.id}`;
const D = `files/${dataset.id}`;
const VERSION =
  dataset.versions.find(({ id }) =>
    (dataset.datapoints.get(id)?.length ?? 0) > 0
  )!.id;
const count = dataset.datapoints.get(VERSION)!.length;

const DAMAGES: ReadonlyArray<
  readonly [
    name: string,
    damage: (disk: MemoryDisk) => void | Promise<void>,
    wanted: string,
  ]
> = [
  [
    "the Datapoints of a Dataset's Version, deleted with their counts",
    async (disk) => {
      const all = [...dataset.datapoints.values()]
        .reduce((sum, { length }) => sum + length, 0);
      await disk.remove(at(`${D}/datapoints/${VERSION}`));
      for (const name of [`${D}/.done`, "export.json"]) {
        const left = `"datapoints":${all - count}`;
        edit(disk, name, `"datapoints":${all}`, left);
      }
    },
    `${D}/versions/${VERSION} has ${count} Datapoints, but none are on disk`,
  ],
  [
    "the Logs of two Files, swapped",
    (disk) => {
      const [left, right] = [a, b].map((file) =>
        `files/${file!.id}/logs/1.jsonl`
      );
      const [x, y] = [text(disk, left!), text(disk, right!)];
      disk.put(at(left!), y);
      disk.put(at(right!), x);
    },
    `${A}/logs/1.jsonl line 1 is a Log of the File "${b!.id}"`,
  ],
  [
    "directories.json, emptied",
    (disk) => disk.put(at("directories.json"), "[]"),
    "directories.json lacks the workspace's root Directory",
  ],
  [
    "directories.json that is not JSON",
    (disk) => disk.put(at("directories.json"), "["),
    "directories.json is not JSON",
  ],
  [
    "settings.logs, set to false",
    (disk) => edit(disk, "export.json", '"logs":true', '"logs":false'),
    "export.json says that Logs are not exported",
  ],
  [
    "line endings as on Windows in a chunk",
    (disk) => edit(disk, `${A}/logs/1.jsonl`, "\n", "\r\n"),
    `${A}/logs/1.jsonl line 1 ends with a carriage return`,
  ],
  [
    "line endings as on Windows in a document",
    (disk) => edit(disk, `${A}/deployments.json`, "\n", "\r\n"),
    `${A}/deployments.json has other line endings than were written`,
  ],
  [
    "a document that is not valid UTF-8",
    (disk) => {
      const name = `${A}/versions/${a!.versions[0]!.id}`;
      const bytes = disk.get(at(name)).slice();
      bytes[bytes.indexOf(0x22) + 2] = 0xff;
      disk.put(at(name), bytes);
    },
    `${A}/versions/${a!.versions[0]!.id} is not valid UTF-8`,
  ],
  [
    "an empty directory at the top",
    (disk) => disk.mkdir(at("mine")),
    "mine is empty and does not belong here",
  ],
  [
    "an empty directory in a File",
    (disk) => disk.mkdir(at(`${A}/mine`)),
    `${A}/mine is empty and does not belong here`,
  ],
];

for (const [name, damage, wanted] of DAMAGES) {
  Deno.test(`even with adjusted sums verify finds ${name}`, async () => {
    const disk = await exported();
    await damage(disk);
    mendSums(disk);
    const { problems } = await verifyExports({ disk, dirs });
    const reported = problems.map(({ path, message }) => `${path} ${message}`);
    assert(reported.some((one) => one.startsWith(wanted)), reported.join("\n"));
    const { code } = await runInMemory(["verify", MEMORY_EXPORT], {
      disk,
      workspace,
    });
    assertEquals(code, 4);
  });
}

Deno.test("sums carry sizes in comments: a file of another size is reported without being read", async () => {
  const disk = await exported();
  mendSums(disk, { sizes: true });
  assertEquals((await verifyExports({ disk, dirs })).problems, []);
  const { length } = disk.get(at("export.log"));
  disk.put(at("export.log"), text(disk, "export.log") + "more\n");
  const opened: string[] = [];
  const watched: Disk = {
    open: (path, options) => {
      opened.push(path);
      return disk.open(path, options);
    },
    readFile: (path) => {
      opened.push(path);
      return disk.readFile(path);
    },
    readDir: (path) => disk.readDir(path),
    lstat: (path) => disk.lstat(path),
    realPath: (path) => disk.realPath(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    mkdir: (path) => disk.mkdir(path),
    ensureDir: (path) => disk.ensureDir(path),
  };
  const { problems } = await verifyExports({ disk: watched, dirs });
  assertEquals(problems.map(({ path, message }) => [path, message]), [[
    "export.log",
    `is not what was written: it has ${length + 5} bytes, not ${length}`,
  ]]);
  assert(!opened.includes(at("export.log")));
});

Deno.test("a wrong size in the sums is reported, even if the sum is right", async () => {
  const disk = await exported();
  mendSums(disk, { sizes: true });
  const names = ["export.log", `${A}/file.json`, `${A}/logs/1.jsonl`];
  const expected = names.map((name) => {
    const { length } = disk.get(at(name));
    edit(disk, "SHA256SUMS", `# ${length}  ${name}`, `# 7  ${name}`);
    return [name, `is not what was written: it has ${length} bytes, not 7`];
  });
  const { problems } = await verifyExports({ disk, dirs });
  assertEquals(problems.map(({ path, message }) => [path, message]), expected);
});

Deno.test({
  name: "sha256sum -c ignores the sizes",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using dir = await tempDir();
    const disk = await exported();
    mendSums(disk, { sizes: true });
    await Deno.writeTextFile(join(dir.path, "f"), "abcd");
    const sum = createHash("sha256").update("abcd").digest("hex");
    await Deno.writeTextFile(join(dir.path, "S"), `# 4  f\n${sum}  f\n`);
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", "sha256sum --strict -c S"],
      cwd: dir.path,
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout), decoder.decode(stderr)], [
      0,
      "f: OK\n",
      "",
    ]);
  },
});

Deno.test("several exports are checked together, and each problem names its export", async () => {
  const disk = new MemoryDisk();
  for (const index of [1, 2, 3]) {
    const shard = new MemoryDisk();
    const args = [...EXPORT_ARGS, "--shard", `${index}/3`];
    await runInMemory(args, { disk: shard, workspace });
    for (const [name, text] of shard.files(MEMORY_EXPORT)) {
      disk.put(`/${index}/${name}`, text);
    }
  }
  const all = ["/1", "/2", "/3"];
  const { problems, files, exports } = await verifyExports({
    disk,
    dirs: all,
  });
  assertEquals([problems, files.length], [[], workspace.files.length]);
  assertEquals(exports.map(({ dir }) => dir), all);
  disk.put("/2/notes.txt", "mine");
  const two = await verifyExports({ disk, dirs: ["/1", "/2"] });
  assertEquals(
    two.problems.map(({ dir, path, message }) => [dir, path, message]),
    [
      ["/2", "notes.txt", "does not belong here"],
      ["/1", ".", "shard 3/3 is not given"],
    ],
  );
});

Deno.test("a file that cannot be read is one problem, and the others are still reported", async () => {
  const memory = await exported();
  memory.put(at(`${A}/notes.txt`), "mine");
  const refused = [at(`${A}/logs/1.jsonl`), at(`${A}/file.json`)];
  const refuse = (path: string) => {
    if (refused.includes(path)) throw new Deno.errors.PermissionDenied(path);
  };
  const disk: Disk = {
    open: (path, options) => {
      refuse(path);
      return memory.open(path, options);
    },
    readFile: (path) => {
      refuse(path);
      return memory.readFile(path);
    },
    readDir: (path) => memory.readDir(path),
    lstat: (path) => memory.lstat(path),
    realPath: (path) => memory.realPath(path),
    rename: (from, to) => memory.rename(from, to),
    remove: (path) => memory.remove(path),
    mkdir: (path) => memory.mkdir(path),
    ensureDir: (path) => memory.ensureDir(path),
  };
  const { problems } = await verifyExports({ disk, dirs });
  for (const path of [`${A}/logs/1.jsonl`, `${A}/file.json`]) {
    const reported = problems.filter((one) => one.path === path);
    assertStringIncludes(
      reported[0]!.message,
      "cannot be read: permission denied",
    );
  }
  assert(problems.some(({ path }) => path === `${A}/notes.txt`));
});

Deno.test({
  name:
    "an export of ours that others may read is reported, and one on a file system without modes is not",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using dir = await tempDir();
    const { disk } = denoRuntime();
    const root = join(dir.path, "export");
    await Deno.mkdir(join(root, "files"), { recursive: true });
    const memory = await exported();
    for (const name of ["export.json"]) {
      await Deno.writeTextFile(join(root, name), text(memory, name));
    }
    const isTold = async (mode: number, fileMode: number) => {
      await Deno.chmod(root, mode);
      await Deno.chmod(join(root, "export.json"), fileMode);
      const { problems } = await verifyExports({ disk, dirs: [root] });
      return problems.some(({ message }) => message.startsWith("may be read"));
    };
    assertEquals(await isTold(0o700, 0o600), false);
    assertEquals(await isTold(0o755, 0o644), true);
    assertEquals(await isTold(0o750, 0o600), true);
    assertEquals(await isTold(0o777, 0o777), false);
  },
});
