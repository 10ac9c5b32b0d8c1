import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/deno_runtime.ts";
import { countChunks } from "../../src/tree/chunk_reader.ts";
import { ChunkWriter } from "../../src/tree/chunk_writer.ts";
import {
  findAside,
  removeParts,
  removeReplaced,
  removeScratch,
  setAside,
} from "../../src/tree/removal.ts";
import { isSafeId } from "../../src/tree/layout.ts";
import { tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
const encode = (text: string) => new TextEncoder().encode(text);
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => encode(`{"n":${from + i}}`));
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join("");
const beforeCommit = () => Promise.resolve(true);
const sums = null;

async function names(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test("chunks hold exactly 1000 records but the last, whatever the pages", async () => {
  await using dir = await tempDir();
  using writer = new ChunkWriter({
    disk,
    dir: dir.path,
    firstChunk: 1,
    beforeCommit,
    sums,
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
});

Deno.test("records that are left out count, so that later records keep their chunk", async () => {
  await using dir = await tempDir();
  using writer = new ChunkWriter({
    disk,
    dir: dir.path,
    firstChunk: 2,
    beforeCommit,
    sums,
  });
  await writer.append(records(1000, 1300));
  await writer.skip(800);
  assertEquals(writer.offset, 2100);
  await writer.append(records(2100, 2150));
  await writer.finish();
  const read = (name: string) => Deno.readTextFile(join(dir.path, name));
  assertEquals(await read("2.jsonl"), lines(1000, 1300));
  assertEquals(await read("3.jsonl"), lines(2100, 2150));
});

Deno.test("a writer that is disposed commits nothing", async () => {
  await using dir = await tempDir();
  {
    using writer = new ChunkWriter({
      disk,
      dir: dir.path,
      firstChunk: 1,
      beforeCommit,
      sums,
    });
    await writer.append(records(0, 10));
  }
  assertEquals(await names(dir.path), ["1.jsonl.part"]);
  await removeParts(disk, dir.path);
  assertEquals(await names(dir.path), []);
});

Deno.test("chunks are counted up to the first that lacks", async () => {
  await using dir = await tempDir();
  for (const name of ["1.jsonl", "2.jsonl", "4.jsonl", "3.jsonl.part"]) {
    await Deno.writeTextFile(join(dir.path, name), "");
  }
  assertEquals(await countChunks(disk, dir.path), 2);
  assertEquals(await countChunks(disk, join(dir.path, "nowhere")), 0);
});

Deno.test("what is set aside never replaces what was set aside before", async () => {
  await using dir = await tempDir();
  const list = join(dir.path, "logs");
  for (const text of ["first", "second"]) {
    await Deno.mkdir(list);
    await Deno.writeTextFile(join(list, "1.jsonl"), text);
    await setAside(disk, list, null);
  }
  assertEquals(await names(dir.path), ["logs.old", "logs.old-2"]);
  const aside = await findAside(disk, list);
  const texts = aside.map((path) => Deno.readTextFileSync(`${path}/1.jsonl`));
  assertEquals(texts, ["first", "second"]);
});

Deno.test("what was set aside goes only when it is replaced, and nothing else ever does", async () => {
  await using dir = await tempDir();
  const list = join(dir.path, "logs");
  await Deno.mkdir(list);
  const aside = (await setAside(disk, list, null))!;
  const answer = (value: boolean) => () => Promise.resolve(value);
  assertEquals(await removeReplaced(disk, aside, answer(false)), false);
  assertEquals(await names(dir.path), ["logs.old"]);
  assertEquals(await removeReplaced(disk, aside, answer(true)), true);
  assertEquals(await names(dir.path), []);
  await assertRejects(() => removeReplaced(disk, list, answer(true)), Error);
  await assertRejects(() => removeScratch(disk, `${list}/1.jsonl`), Error);
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
