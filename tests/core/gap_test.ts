/** What is missing, in words. */
import { assertEquals } from "@std/assert";
import { gapText, joinGaps } from "../../src/core/gap.ts";

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

Deno.test("a gap names its File by the path, or by the id if there is no path", () => {
  const paths = new Map([["pr_1", "Support/Triage"]]);
  const gap = (fileId: string | null, part: string, more = {}) =>
    gapText({ fileId, part, reason: "HTTP 500", ...more }, paths);
  assertEquals(
    [
      gap("pr_1", "logs", { offset: 24_000, missing: 1000 }),
      gap("pr_1", "versions", { missing: 1 }),
      gap("pr_2", "logs"),
      gap(null, "directories.json"),
    ],
    [
      "Support/Triage logs (1000 records from number 24001): HTTP 500",
      "Support/Triage versions (1 record): HTTP 500",
      "pr_2 logs: HTTP 500",
      "directories.json: HTTP 500",
    ],
  );
});
