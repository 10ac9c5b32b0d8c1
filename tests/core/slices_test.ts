import { assertEquals } from "@std/assert";
import { inSlices } from "../../src/core/text/slices.ts";

Deno.test("a long text is cut where no character breaks, and joined unchanged", () => {
  for (let before = 0; before < 3; before++) {
    const text = "x".repeat(before) + "🙂é".repeat(100_000);
    const slices: string[] = [];
    const joined = inSlices(text, (slice) => {
      slices.push(slice);
      return slice;
    });
    assertEquals(joined === text, true);
    assertEquals(slices.length > 1, true);
    assertEquals(slices.every((slice) => slice.isWellFormed()), true);
  }
});
