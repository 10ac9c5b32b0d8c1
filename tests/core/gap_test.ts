/** What is missing, in words. */
import { assertEquals } from "@std/assert";
import { joinGaps } from "../../src/core/gap.ts";

Deno.test("gaps of one list that follow each other for one reason are one line", () => {
  const gap = (offset: number, missing: number, reason = "HTTP 500") => ({
    ...{ fileId: "pr_1", part: "logs", reason, offset, missing },
  });
  const versions = { fileId: "pr_1", part: "versions", reason: "HTTP 500" };
  assertEquals(
    joinGaps([
      ...[versions, gap(0, 10), gap(10, 5), gap(15, 5), gap(21, 1)],
      ...[gap(22, 2, "HTTP 404"), { ...gap(24, 1, "HTTP 404"), part: "runs" }],
      ...[
        { ...gap(25, 1, "HTTP 404"), fileId: "pr_2", part: "runs" },
        versions,
      ],
    ]),
    [
      ...[versions, gap(0, 20), gap(21, 1), gap(22, 2, "HTTP 404")],
      ...[{ ...gap(24, 1, "HTTP 404"), part: "runs" }],
      ...[
        { ...gap(25, 1, "HTTP 404"), fileId: "pr_2", part: "runs" },
        versions,
      ],
    ],
  );
});
