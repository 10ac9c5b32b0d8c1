import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { logOnly } from "../../src/core/observer.ts";
import {
  ChunkWriter,
  type WrittenChunk,
} from "../../src/exporters/list/chunk_writer.ts";
import type { Batch } from "../../src/lists/list_reader.ts";
import { tempDir } from "../helpers/tree.ts";

const context = {
  disk: denoRuntime().disk,
  sums: { record: () => Promise.resolve(), drop: () => Promise.resolve() },
  observer: logOnly(() => {}),
};
const list = { spec: { key: String }, kind: "logs" } as const;

function batch(offset: number, end: number): Batch<number> {
  const records = Array.from({ length: end - offset }, (_, i) => ({
    info: offset + i,
    bytes: new TextEncoder().encode(`{"n":${offset + i}}`),
  }));
  return { kind: "records", offset, records };
}

function gap(offset: number, missing: number): Batch<number> {
  const reason = "it cannot be read";
  const gap = { fileId: "pr_1", part: "logs", reason, offset, missing };
  return { kind: "gap", gap };
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join("");

async function names(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

/** Commits chunks, and returns what is known of each. */
async function commit(
  chunks: AsyncIterable<WrittenChunk> | Iterable<WrittenChunk>,
): Promise<unknown[]> {
  const all = [];
  for await (const { number, file, keys, gaps } of chunks) {
    await file.commit();
    const ranges = gaps.map(({ offset, missing }) => [offset, missing]);
    all.push([number, keys.length, keys[0], ranges]);
  }
  return all;
}

Deno.test("chunks hold exactly 1000 records but the last, whatever the pages", async () => {
  await using dir = await tempDir();
  using writer = new ChunkWriter(context, {
    ...list,
    dir: dir.path,
    first: 1,
  });
  const chunks = [];
  for (let at = 0; at < 2500; at += 70) {
    const page = batch(at, Math.min(at + 70, 2500));
    chunks.push(...await commit(writer.write(page)));
  }
  assertEquals(chunks, [[1, 1000, "0", []], [2, 1000, "1000", []]]);
  assertEquals(await names(dir.path), ["1.jsonl", "2.jsonl", "3.jsonl.part"]);
  assertEquals(await commit(writer.end()), [[3, 500, "2000", []]]);
  assertEquals(await commit(writer.end()), []);
  assertEquals(await names(dir.path), ["1.jsonl", "2.jsonl", "3.jsonl"]);
  const read = (name: string) => Deno.readTextFile(join(dir.path, name));
  assertEquals(await read("1.jsonl"), lines(0, 1000));
  assertEquals(await read("2.jsonl"), lines(1000, 2000));
  assertEquals(await read("3.jsonl"), lines(2000, 2500));
});

Deno.test("records that are left out keep their offset, so that later records keep their chunk", async () => {
  await using dir = await tempDir();
  using writer = new ChunkWriter(context, {
    ...list,
    dir: dir.path,
    first: 2,
  });
  assertEquals(await commit(writer.write(batch(1000, 1300))), []);
  const chunk = [2, 300, "1000", [[1300, 700]]];
  assertEquals(await commit(writer.write(gap(1300, 800))), [chunk]);
  assertEquals(writer.offset, 2100);
  assertEquals(await commit(writer.write(batch(2100, 2150))), []);
  assertEquals(await commit(writer.end()), [[3, 50, "2100", [[2000, 100]]]]);
  const read = (name: string) => Deno.readTextFile(join(dir.path, name));
  assertEquals(await read("2.jsonl"), lines(1000, 1300));
  assertEquals(await read("3.jsonl"), lines(2100, 2150));
});

Deno.test("a writer that is disposed commits nothing", async () => {
  await using dir = await tempDir();
  {
    using writer = new ChunkWriter(context, {
      ...list,
      dir: dir.path,
      first: 1,
    });
    await commit(writer.write(batch(0, 10)));
  }
  assertEquals(await names(dir.path), ["1.jsonl.part"]);
});

Deno.test("a page of huge records is written without a copy, and its memory is freed", async () => {
  await using dir = await tempDir();
  const body = new TextEncoder().encode(`{"x":"${"y".repeat(9_000_000)}"}`);
  const written: ArrayBufferLike[] = [];
  const disk: Disk = {
    ...context.disk,
    open: async (...args) => {
      const file = await context.disk.open(...args);
      const write = file.write.bind(file);
      return Object.assign(file, {
        write: (bytes: Uint8Array) => {
          written.push(bytes.buffer);
          return write(bytes);
        },
      });
    },
  };
  const writer = new ChunkWriter({ ...context, disk }, {
    ...{ ...list, dir: dir.path, first: 1 },
  });
  const records = [{ info: 0, bytes: body }];
  const { buffer } = body;
  assertEquals(
    await commit(writer.write({ kind: "records", offset: 0, records })),
    [],
  );
  assertEquals(await commit(writer.end()), [[1, 1, "0", []]]);
  assertEquals([written[0] === buffer, buffer.byteLength], [true, 0]);
  assertEquals((await Deno.stat(join(dir.path, "1.jsonl"))).size, 9_000_009);
});

Deno.test("the memory of a page of 64 kB is freed when it is written", async () => {
  await using dir = await tempDir();
  using writer = new ChunkWriter(context, {
    ...list,
    dir: dir.path,
    first: 1,
  });
  const page = new TextEncoder().encode("x".repeat(64 * 1024));
  const records = [page.subarray(0, 1000), page.subarray(1000)]
    .map((bytes, info) => ({ info, bytes }));
  await commit(writer.write({ kind: "records", offset: 0, records }));
  assertEquals(page.buffer.byteLength, 0);
  await commit(writer.end());
  const text = await Deno.readTextFile(join(dir.path, "1.jsonl"));
  assertEquals(text, `${"x".repeat(1000)}\n${"x".repeat(64 * 1024 - 1000)}\n`);
});
