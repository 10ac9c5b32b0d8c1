import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/deno_runtime.ts";
import { countChunks, spliceChunk } from "../../src/tree/chunk_reader.ts";
import { ChunkWriter } from "../../src/tree/chunk_writer.ts";
import { removeParts, setAside } from "../../src/tree/atomic_file.ts";
import { isSafeId } from "../../src/tree/layout.ts";
import { tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
const encode = (text: string) => new TextEncoder().encode(text);
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => encode(`{"n":${from + i}}`));
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join("");
const beforeChunk = () => Promise.resolve();

async function names(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test("chunks hold exactly 1000 records but the last, whatever the pages", async () => {
  await using dir = await tempDir();
  await using writer = new ChunkWriter({
    disk,
    dir: dir.path,
    chunks: 0,
    beforeChunk,
  });
  for (let at = 0; at < 2500; at += 70) {
    await writer.append(records(at, Math.min(at + 70, 2500)));
  }
  assertEquals(await names(dir.path), ["1.jsonl", "2.jsonl", "3.jsonl.part"]);
  await writer.finish();
  assertEquals(await names(dir.path), ["1.jsonl", "2.jsonl", "3.jsonl"]);
  const read = (name: string) => Deno.readTextFile(join(dir.path, name));
  assertEquals(await read("1.jsonl"), lines(0, 1000));
  assertEquals(await read("2.jsonl"), lines(1000, 2000));
  assertEquals(await read("3.jsonl"), lines(2000, 2500));
  assertEquals(writer.places, 2500);
});

Deno.test("empty places count, so that later records keep their chunk", async () => {
  await using dir = await tempDir();
  await using writer = new ChunkWriter({
    disk,
    dir: dir.path,
    chunks: 1,
    beforeChunk,
  });
  await writer.append(records(1000, 1300));
  await writer.skip(800);
  await writer.append(records(2100, 2150));
  await writer.finish();
  const read = (name: string) => Deno.readTextFile(join(dir.path, name));
  assertEquals(await read("2.jsonl"), lines(1000, 1300));
  assertEquals(await read("3.jsonl"), lines(2100, 2150));
  assertEquals(writer.places, 2150);
});

Deno.test("a writer that is disposed publishes nothing", async () => {
  await using dir = await tempDir();
  {
    await using writer = new ChunkWriter({
      disk,
      dir: dir.path,
      chunks: 0,
      beforeChunk,
    });
    await writer.append(records(0, 10));
  }
  assertEquals(await names(dir.path), ["1.jsonl.part"]);
  await removeParts(disk, dir.path);
  assertEquals(await names(dir.path), []);
});

const SPLICES = [
  { line: 0, want: lines(90, 92) + lines(0, 5) },
  { line: 5, want: lines(0, 5) + lines(90, 92) },
  { line: 2, want: lines(0, 2) + lines(90, 92) + lines(2, 5) },
];
for (const { line, want } of SPLICES) {
  Deno.test(`records are put at line ${line} of a chunk`, async () => {
    await using dir = await tempDir();
    const path = join(dir.path, "1.jsonl");
    await Deno.writeTextFile(path, lines(0, 5));
    const splice = { dir: dir.path, chunk: 1, line };
    await spliceChunk(disk, splice, records(90, 92));
    assertEquals(await Deno.readTextFile(path), want);
    assertEquals(await names(dir.path), ["1.jsonl"]);
  });
}

Deno.test("a chunk of many megabytes is spliced as well as a small one", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "1.jsonl");
  const line = (n: number) => `{"n":${n},"x":"${"é".repeat(50_000)}"}\n`;
  const all = Array.from({ length: 60 }, (_, n) => line(n));
  await Deno.writeTextFile(path, all.toSpliced(30, 2).join(""));
  const splice = { dir: dir.path, chunk: 1, line: 30 };
  const missing = [all[30]!, all[31]!].map((one) => encode(one.trimEnd()));
  await spliceChunk(disk, splice, missing);
  assertEquals(await Deno.readTextFile(path) === all.join(""), true);
});

Deno.test("chunks are counted up to the first that lacks", async () => {
  await using dir = await tempDir();
  for (const name of ["1.jsonl", "2.jsonl", "4.jsonl", "3.jsonl.part"]) {
    await Deno.writeTextFile(join(dir.path, name), "");
  }
  assertEquals(await countChunks(disk, dir.path), 2);
  assertEquals(await countChunks(disk, join(dir.path, "nowhere")), 0);
});

Deno.test("what was fetched is kept aside once, and not displaced by less", async () => {
  await using dir = await tempDir();
  const list = join(dir.path, "logs");
  for (const text of ["first", "second"]) {
    await Deno.mkdir(list);
    await Deno.writeTextFile(join(list, "1.jsonl"), text);
    await setAside(disk, list);
  }
  assertEquals(await names(dir.path), ["logs.old"]);
  const kept = await Deno.readTextFile(join(`${list}.old`, "1.jsonl"));
  assertEquals(kept, "first");
});

Deno.test("only plain ids become paths", () => {
  const good = ["pr_4Kd9sQxVb2LmZt7Rw0NcE", "a", "x".repeat(128), "A-b_9"];
  const bad = [
    "",
    "..",
    ".",
    "a/b",
    "a\\b",
    "a.b",
    "é",
    "x".repeat(129),
    "a\n",
    "CON",
    "lpt1",
  ];
  assertEquals([...good, ...bad].filter(isSafeId), good);
});
