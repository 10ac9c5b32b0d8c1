import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { readChunk } from "../../src/tree/read/chunk_reader.ts";
import { readLines } from "../../src/tree/read/lines.ts";
import { tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
const encode = (text: string) => new TextEncoder().encode(text);

/** A Log of some 3 MB. */
const large = (id: string) =>
  `{"messages":[${
    Array(1000).fill(`{"content":"${"é".repeat(500)}"}`).join(",")
  }],"output":"${"x".repeat(2_000_000)}","id":"${id}"}`;

/** Writes lines, and returns the path. */
async function write(
  dir: string,
  lines: readonly (string | Uint8Array)[],
): Promise<string> {
  const path = join(dir, "1.jsonl");
  const parts = lines.map((line) =>
    typeof line === "string" ? encode(line) : line
  );
  await Deno.writeFile(path, await new Blob(parts as BlobPart[]).bytes());
  return path;
}

Deno.test("only the outline of a large line is used to read its key", async () => {
  await using dir = await tempDir();
  const lines = ['{"id":"1"}\n', large("2") + "\n", '{"id":"3"}\n{"id":"4"}\n'];
  const path = await write(dir.path, [...lines, large("5") + "\n"]);
  let longest = 0;
  const content = await readChunk(disk, path, (line) => {
    longest = Math.max(longest, line.length);
    return JSON.parse(line).id;
  });
  assertEquals(content, {
    keys: ["1", "2", "3", "4", "5"],
    lines: 5,
    isRead: true,
    isWhole: true,
  });
  assert(longest < 1000, `${longest} characters of a line`);
});

Deno.test("a large line that is not a record, or not UTF-8, has no key, but those around it do", async () => {
  await using dir = await tempDir();
  const notUtf8 = encode(large("3") + "\n");
  notUtf8[100_000] = 0xff;
  const path = await write(dir.path, [
    large("1").replace("xx", "\\x") + "\n",
    large("2") + "\n",
    notUtf8,
    '{"id":"4"}\n',
    large("5"),
  ]);
  const content = await readChunk(disk, path, (line) => JSON.parse(line).id);
  assertEquals(content, {
    keys: ["2", "4", "5"],
    lines: 5,
    isRead: true,
    isWhole: false,
  });
});

Deno.test("lines are the same in parts of any size, and a large one comes whole unless its outline is requested", async () => {
  await using dir = await tempDir();
  const texts = ['{"id":"1"}', large("2"), "", large("3"), '{"id":"4"}'];
  const path = await write(dir.path, [texts.join("\n")]);
  for (const partBytes of [10_000, 1_100_000, 20_000_000]) {
    const read = async (isOutlined: boolean) => {
      const all: (string | null)[] = [];
      const how = { partBytes, isOutlined };
      for await (const { texts } of readLines(disk, path, how)) {
        all.push(...texts);
      }
      return all;
    };
    assertEquals((await read(false)).join("\n") === texts.join("\n"), true);
    const outlined = await read(true);
    const ids = outlined.map((text) => text && JSON.parse(text).id);
    assertEquals(ids, ["1", "2", "", "3", "4"]);
  }
});

Deno.test("a line of any length is read by its outline, but may be too long to be read whole", async () => {
  await using dir = await tempDir();
  const path = await write(dir.path, [large("1") + "\n", '{"id":"2"}\n']);
  const read = (isOutlined: boolean) =>
    Array.fromAsync(readLines(disk, path, {
      ...{ isOutlined, maxLineBytes: 1_500_000, partBytes: 100_000 },
    }));
  const isTooLong = (await read(false)).map((one) => one.isTooLong);
  assertEquals(isTooLong, [true, false]);
  assertEquals((await read(true)).map((one) => one.isTooLong), [false, false]);
});
