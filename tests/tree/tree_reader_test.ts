/** The one reader of exports: all that is there, and a problem for all that cannot be read. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { UsageError } from "../../src/core/errors.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { readLines } from "../../src/tree/read/lines.ts";
import {
  openExports,
  openFile,
  readChunkLines,
  readFileRecords,
} from "../../src/tree/read/tree_reader.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { expectedTree, tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
const workspace = sampleWorkspace();

/** Reads all records of exports, as the files that they came from. */
async function rebuilt(disk: Disk, dirs: readonly string[]) {
  const files = new Map<string, string>();
  const problems: string[] = [];
  for (const one of await openExports(disk, dirs)) {
    problems.push(
      ...one.problems.map(({ path, reason }) => `${path} ${reason}`),
    );
    for (const id of one.fileIds) {
      const file = await openFile(disk, one, id);
      for await (const { item } of readFileRecords(disk, file)) {
        if (item.kind === "document") files.set(item.path, item.text);
        else if (item.kind === "lines") {
          const lines = item.lines.map(({ text }) => `${text}\n`);
          const before = files.get(item.path) ?? "";
          files.set(item.path, before + lines.join(""));
        } else {
          const line = item.line === null ? "" : ` line ${item.line}`;
          problems.push(`${item.path}${line} ${item.reason}`);
        }
      }
    }
  }
  return { files, problems };
}

Deno.test("every record of an export is read unchanged, byte for byte", async () => {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  const { files, problems } = await rebuilt(disk, [MEMORY_EXPORT]);
  const expected = new Map(
    [...expectedTree(workspace, { logs: true })].filter(([name]) =>
      name.startsWith("files/") && !name.endsWith("/.done")
    ),
  );
  assertEquals(problems, []);
  assertEquals([...files.keys()].sort(), [...expected.keys()].sort());
  for (const [name, text] of expected) assertEquals(files.get(name), text);
});

Deno.test("shards side by side, a merge of them, bare files and the official script's export are read alike", async () => {
  const disk = new MemoryDisk();
  for (const index of [1, 2]) {
    const shard = new MemoryDisk();
    const args = [...EXPORT_ARGS, "--shard", `${index}/2`];
    await runInMemory(args, { disk: shard, workspace });
    for (const [name, text] of shard.files(MEMORY_EXPORT)) {
      disk.put(`/shard${index}/${name}`, text);
      const isFile = name.startsWith("files/");
      disk.put(`/merged/${isFile ? "" : `shards/${index}/`}${name}`, text);
      if (isFile) disk.put(`/bare/${name}`, text);
      const done = name.endsWith("/.done") ? "Exported at 2025\n" : text;
      if (isFile) disk.put(`/official/${name}`, done);
    }
  }
  disk.put("/official/export.log", "");
  const whole = await rebuilt(disk, ["/shard1", "/shard2"]);
  assertEquals(whole.problems, []);
  assert(whole.files.size > 50);
  const others = [["/merged"], ["/bare"], ["/bare/files"], ["/official"]];
  for (const dirs of others) assertEquals(await rebuilt(disk, dirs), whole);
  const manifests = (await openExports(disk, ["/merged"]))
    .map(({ prefix, manifest }) => [prefix, manifest?.settings.filters.shard]);
  assertEquals(manifests, [
    ["shards/1/", { index: 1, of: 2 }],
    ["shards/2/", { index: 2, of: 2 }],
  ]);
});

/** Makes a File of the official script with everything wrong in it that can be. */
async function wrongExport(root: string): Promise<void> {
  const dir = join(root, "files/pr_1");
  await Deno.mkdir(join(dir, "logs"), { recursive: true });
  await Deno.mkdir(join(dir, "versions/prv_dir"), { recursive: true });
  await Deno.writeTextFile(join(dir, "file.json"), "{");
  const invalid = new Uint8Array([0x7b, 0xff, 0x7d]);
  await Deno.writeFile(join(dir, "deployments.json"), invalid);
  const lines = ['{"id":"log_1"}', "[1]", '{"id":"log_2"}', '{"id":"log_3"}'];
  await Deno.writeTextFile(join(dir, "logs/1.jsonl"), lines.join("\n"));
  const bytes = new TextEncoder().encode('{"id":"a"}\n{?}\n{"id":"b"}\n');
  bytes[12] = 0xff;
  await Deno.writeFile(join(dir, "logs/2.jsonl"), bytes);
  await Deno.symlink("/etc/passwd", join(dir, "versions/prv_1"));
  await Deno.symlink(join(dir, "nowhere"), join(dir, "logs/3.jsonl"));
  await new Deno.Command("sh", {
    args: ["-c", 'mkfifo "$1"', "sh", join(dir, "logs/4.jsonl")],
  }).output();
}

Deno.test({
  name:
    "what cannot be read is a problem with its path and line, and is never opened unless it is a plain file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using dir = await tempDir();
    await wrongExport(dir.path);
    const opened: string[] = [];
    const watched: Disk = {
      ...disk,
      open: (path, options) => {
        opened.push(path.slice(dir.path.length + 1));
        return disk.open(path, options);
      },
    };
    const { files, problems } = await rebuilt(watched, [dir.path]);
    assertEquals(problems, [
      "files/pr_1/logs/3.jsonl is a symbolic link",
      "files/pr_1/logs/4.jsonl is a FIFO, a socket or a device",
      "files/pr_1/versions/prv_1 is a symbolic link",
      "files/pr_1/file.json is not JSON",
      "files/pr_1/deployments.json is not valid UTF-8",
      "files/pr_1/logs/1.jsonl line 2 is not a JSON record",
      "files/pr_1/logs/1.jsonl line 4 ends in the middle of a line",
      "files/pr_1/logs/2.jsonl line 2 is not valid UTF-8",
    ]);
    assertEquals(Object.fromEntries(files), {
      "files/pr_1/logs/1.jsonl":
        '{"id":"log_1"}\n{"id":"log_2"}\n{"id":"log_3"}\n',
      "files/pr_1/logs/2.jsonl": '{"id":"a"}\n{"id":"b"}\n',
    });
    assertEquals(opened, [
      "files/pr_1/logs/1.jsonl",
      "files/pr_1/logs/2.jsonl",
    ]);
  },
});

Deno.test("a file or directory that the disk refuses is a problem, and the rest is read", async () => {
  const memory = new MemoryDisk();
  memory.put("/x/files/pr_1/file.json", "{}");
  memory.put("/x/files/pr_1/deployments.json", "[]");
  memory.put("/x/files/pr_1/logs/1.jsonl", "{}\n");
  memory.put("/x/files/pr_1/versions/prv_1", "{}");
  const refuse = (path: string) => {
    const isRefused = /file\.json$|1\.jsonl$|versions$/.test(path);
    if (isRefused) throw new Deno.errors.PermissionDenied(path);
  };
  const refusing: Disk = {
    readDir: (path) => {
      refuse(path);
      return memory.readDir(path);
    },
    readFile: (path) => {
      refuse(path);
      return memory.readFile(path);
    },
    open: (path, options) => {
      refuse(path);
      return memory.open(path, options);
    },
    lstat: (path) => memory.lstat(path),
    realPath: (path) => memory.realPath(path),
    rename: () => Promise.reject(new Error("writes")),
    remove: () => Promise.reject(new Error("writes")),
    mkdir: () => Promise.reject(new Error("writes")),
    ensureDir: () => Promise.reject(new Error("writes")),
  };
  const { files, problems } = await rebuilt(refusing, ["/x"]);
  assertEquals([...files.keys()], ["files/pr_1/deployments.json"]);
  assertEquals(problems.map((one) => one.split(":")[0]), [
    "files/pr_1/versions cannot be read",
    "files/pr_1/file.json cannot be read",
    "files/pr_1/logs/1.jsonl cannot be read",
  ]);
});

Deno.test("a Log of 50 MB is read, and one that is longer than asked for is a problem", async () => {
  await using dir = await tempDir();
  const long = `{"id":"${"é".repeat(25_000_000)}"}`;
  const text = `{"id":"a"}\n${long}\n{"id":"b"}\n${long}`;
  await Deno.writeTextFile(join(dir.path, "1.jsonl"), text);
  const read = async (maxLineBytes?: number) => {
    const lines: string[] = [];
    const options = maxLineBytes === undefined ? {} : { maxLineBytes };
    const items = readChunkLines(disk, dir.path, "1.jsonl", options);
    for await (const item of items) {
      if (item.kind === "problem") lines.push(`${item.line} ${item.reason}`);
      else {
        for (const { number, text } of item.lines) {
          lines.push(`${number}: ${text === long ? "long" : text}`);
        }
      }
    }
    return lines;
  };
  assertEquals(await read(), [
    '1: {"id":"a"}',
    "2: long",
    '3: {"id":"b"}',
    "4: long",
    "4 ends in the middle of a line",
  ]);
  assertEquals(await read(1_000_000), [
    '1: {"id":"a"}',
    "2 is too long to be read",
    '3: {"id":"b"}',
    "4 is too long to be read",
    "4 ends in the middle of a line",
  ]);
});

Deno.test("lines are the same however many bytes are read at once", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "1.jsonl");
  const invalid = new Uint8Array([0x22, 0xff, 0x22]);
  const bytes = new Blob([
    ...['{"id":"é€😀"}\n\n', invalid, '\n{"id":"a longer line"}\n'],
    ...["{}\r\n", invalid, "\n", '{"id":"without an end"}'],
  ]);
  await Deno.writeFile(path, bytes.stream());
  for (let partBytes = 1; partBytes < 100; partBytes++) {
    const lines: string[] = [];
    let isAtEnd = false;
    const options = { partBytes, onEnd: () => isAtEnd = true };
    for await (const one of readLines(disk, path, options)) {
      assertEquals(one.first, lines.length + 1);
      const end = one.isTerminated ? "" : " …";
      lines.push(...one.texts.map((text) => `${text}${end}`));
    }
    assertEquals(lines, [
      ...['{"id":"é€😀"}', "", "null"],
      ...['{"id":"a longer line"}', "{}\r", "null"],
      '{"id":"without an end"} …',
    ]);
    assert(isAtEnd);
  }
});

Deno.test("reads that share their memory, and run at the same time, do not mix", async () => {
  await using dir = await tempDir();
  const buffers: Uint8Array<ArrayBuffer>[] = [];
  const textOf = (i: number) => `${i}\n`.repeat(1000);
  const read = async (from: Disk, i: number) => {
    let text = "";
    const path = join(dir.path, `${i}`);
    const options = { partBytes: 100, buffers };
    for await (const { texts } of readLines(from, path, options)) {
      text += texts.join("\n") + "\n";
    }
    return text;
  };
  const numbers = [1, 2, 3, 4, 5, 6];
  for (const i of numbers) {
    await Deno.writeTextFile(join(dir.path, `${i}`), textOf(i));
  }
  for (const some of [[1], [2, 3, 4], [5, 6]]) {
    const all = Promise.withResolvers<void>();
    let open = 0;
    // None is read before all are open: however fast one is, they run at the same time.
    const from: Disk = {
      ...disk,
      open: async (path, options) => {
        const file = await disk.open(path, options);
        if (++open === some.length) all.resolve();
        await all.promise;
        return file;
      },
    };
    const texts = await Promise.all(some.map((i) => read(from, i)));
    assertEquals(texts, some.map(textOf));
  }
  assertEquals(buffers.length, 6);
});

Deno.test("reading that stops early closes the file", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "1.jsonl"), "{}\n".repeat(1_000_000));
  for await (const item of readChunkLines(disk, dir.path, "1.jsonl")) {
    assertEquals(item.kind, "lines");
    break;
  }
});

Deno.test("a directory that is not an export gives a problem that says so", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "notes.txt"), "");
  for (
    const [path, words] of [
      ["nowhere", "there is no directory"],
      ["notes.txt", "notes.txt is a file; give the directory of an export"],
      [".", "is not an export"],
    ] as const
  ) {
    const error = await assertRejects(
      () => openExports(disk, [join(dir.path, path)]),
      UsageError,
    );
    assertStringIncludes(error.message, words);
  }
});
