import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import {
  findAside,
  removeParts,
  removeReplaced,
  removeScratch,
  setAside,
} from "../../src/tree/write/removal.ts";
import { isSafeId } from "../../src/tree/layout.ts";
import { tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
async function names(dir: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test("what a killed run left half-written is removed, and nothing else", async () => {
  await using dir = await tempDir();
  for (const name of ["1.jsonl", "2.jsonl.part"]) {
    await Deno.writeTextFile(join(dir.path, name), "");
  }
  await removeParts(disk, dir.path);
  assertEquals(await names(dir.path), ["1.jsonl"]);
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

Deno.test("what was set aside is removed only when it is replaced, and nothing else is ever removed", async () => {
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
