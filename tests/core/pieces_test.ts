import { assertEquals } from "@std/assert";
import { inPieces } from "../../src/core/text/pieces.ts";

Deno.test("a long text is cut where no character breaks, and joined to what it was", () => {
  for (let before = 0; before < 3; before++) {
    const text = "x".repeat(before) + "🙂é".repeat(100_000);
    const pieces: string[] = [];
    const joined = inPieces(text, (piece) => {
      pieces.push(piece);
      return piece;
    });
    assertEquals(joined === text, true);
    assertEquals(pieces.length > 1, true);
    assertEquals(pieces.every((piece) => piece.isWellFormed()), true);
  }
});
