/** The set of keys: which were there before, one by one and many at once. */
import { assert, assertEquals } from "@std/assert";
import { KeySet } from "../../src/core/key_set.ts";

const keysFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `log_${first + i}`);

Deno.test("adding many keys returns those that were there before, in order", () => {
  const keys = new KeySet(["a"]);
  assertEquals(keys.addAll(["b", "a", "c", "b", "b"]), ["a", "b", "b"]);
  assertEquals(keys.addAll([]), []);
  assertEquals(keys.add("c"), false);
  assertEquals(keys.add("d"), true);
  assertEquals(keys.size, 4);
  assert(keys.has("d") && !keys.has("e"));
});

Deno.test("no key is lost or invented while the set grows, however many are added at once", () => {
  const keys = new KeySet();
  let size = 0;
  for (const count of [1, 63, 64, 10_000, 500, 100_000]) {
    assertEquals(keys.addAll(keysFrom(size, count)), []);
    size += count;
    assertEquals(keys.size, size);
  }
  assertEquals(keys.addAll(keysFrom(0, size)), keysFrom(0, size));
  assert(keysFrom(size, 10_000).every((key) => !keys.has(key)));
});
