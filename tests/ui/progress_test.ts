import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  Progress,
  progressLine,
  type Snapshot,
} from "../../src/ui/progress.ts";
import { NO_FILTERS } from "../../src/core/filters.ts";
import { Reporter } from "../../src/ui/reporter.ts";
import {
  bytes,
  duration,
  escapeControls,
  mostColumns,
} from "../../src/ui/text.ts";
import { summary } from "../../src/cli/summary.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { DiskFile } from "../../src/core/runtime/runtime.ts";
import { VirtualClock } from "../helpers/clock.ts";

const BUSY: Snapshot = {
  filesDone: 12,
  filesTotal: 34,
  records: 3512,
  recordsPerSecond: 1204.4,
  leftMs: 42_000,
  oldest: null,
  waiting: null,
};

Deno.test("the line says Files, records, rate and time left", () => {
  assertEquals(
    progressLine(BUSY, 0),
    "12/34 Files · 3,512 records · 1,204/s · 42 s left",
  );
  assertEquals(
    progressLine(BUSY, 100),
    "███████░░░░░░░░░░░░░ 12/34 Files · 3,512 records · 1,204/s · 42 s left",
  );
});

Deno.test("the line says what it waits for", () => {
  const waiting = { reason: "rate limited, resumes", leftMs: 12_300 };
  assertStringIncludes(
    progressLine({ ...BUSY, waiting }, 0),
    "rate limited, resumes in 12 s",
  );
});

Deno.test("the line never reaches the last column, whatever a File is called", () => {
  const names = [
    "support/triage",
    "支持/分流".repeat(20),
    "🚀".repeat(99),
    "a\nb",
  ];
  for (const file of names) {
    const oldest = { file, tookMs: 60_000 };
    for (let columns = 1; columns < 120; columns++) {
      const line = progressLine({ ...BUSY, oldest }, columns);
      const bare = line.replace(/[█░·…]/g, "x");
      assert(mostColumns(bare) < columns, `${columns}: ${line}`);
      assert(!line.includes("\n"));
    }
  }
});

Deno.test("the File that takes longest is named, by the end of its path if there is little room", () => {
  const oldest = { file: "support/emails/triage", tookMs: 5_000 };
  const line = (columns: number) => progressLine({ ...BUSY, oldest }, columns);
  const text = "12/34 Files · 3,512 records · 1,204/s · 42 s left";
  const bar = "███████░░░░░░░░░░░░░ ";
  assertEquals(line(0), `${text} · support/emails/triage`);
  assertEquals(line(100), `${bar}${text} · support/emails/triage`);
  assertEquals(line(90), `${bar}${text} · …t/emails/triage`);
  assertEquals(line(80), `${bar}${text}`);
  assertEquals(line(70), `${text} · …rt/emails/triage`);
  assertEquals(line(50), text);
  assertEquals(line(49), "12/34 Files · 3,512 records · 42 s left");
  assertEquals(line(30), "12/34 Files · 42 s left");
  assertEquals(line(10), "12/34 Fil");
  const young = { ...oldest, tookMs: 4_999 };
  assertEquals(progressLine({ ...BUSY, oldest: young }, 0), text);
});

Deno.test("rate and time left are finite from the first moment on", () => {
  const progress = new Progress(0);
  for (const nowMs of [0, 0, 1, 5000, 10_000]) {
    const { recordsPerSecond, leftMs } = progress.snapshot(nowMs);
    assertEquals([recordsPerSecond, leftMs], [0, null]);
  }
  progress.filesListed(10);
  for (let s = 1; s <= 10; s++) {
    const file = progress.fileStarted("a", 10_000 + s * 1000 - 900);
    file.expect(1000);
    file.done(1000);
    file.end();
    progress.records += 1000;
    const { recordsPerSecond, leftMs } = progress.snapshot(10_000 + s * 1000);
    assert(recordsPerSecond > 0 && recordsPerSecond <= 1000);
    if (s < 3) assertEquals(leftMs, null, "too early for a word");
    else assert(leftMs! >= 0 && Number.isFinite(leftMs));
  }
  assertEquals(progress.snapshot(21_000).leftMs, 0);
});

/** Makes a terminal that keeps what it is sent, and a log in memory. */
function screen(
  errIsTerminal: boolean,
  options: { verbose?: boolean; columns?: () => number } = {},
) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const logged: string[] = [];
  const { terminal } = denoRuntime();
  const reporter = new Reporter({
    terminal: {
      ...terminal,
      err: (text) => void sent.push(text),
      errIsTerminal,
      columns: options.columns ?? (() => 80),
    },
    clock,
    secrets: ["hl_sk_secret"],
    shown: options.verbose ? "DEBUG" : "WARN",
    progress: true,
    color: false,
  });
  reporter.openLog({
    writeSync(line: Uint8Array) {
      logged.push(new TextDecoder().decode(line));
      return line.length;
    },
  } as DiskFile);
  return { clock, sent, logged, reporter };
}

Deno.test("a log line is printed above the bar, which stays intact", async () => {
  const { clock, sent, reporter } = screen(true);
  reporter.filesListed(2);
  await reporter.run(async () => {
    await clock.sleep(250);
    reporter.log("WARN", "slow\u001b[2J down");
  });
  const bar = "░░░░░░░░░░░░░░░░░░░░ 0/2 Files · 0 records · 0/s";
  assertEquals(sent, [
    `\r\x1b[2K${bar}`,
    "\r\x1b[2K",
    "warn: slow\\u{1b}[2J down\n",
    `\r\x1b[2K${bar}`,
    "\r\x1b[2K",
  ]);
});

Deno.test("a window that is made narrower and wider again is filled and not overflowed", async () => {
  let columns = 100;
  const { clock, sent, reporter } = screen(true, { columns: () => columns });
  reporter.filesListed(2);
  await reporter.run(async () => {
    for (columns of [100, 30, 12, 100]) await clock.sleep(200);
  });
  const bar = "░░░░░░░░░░░░░░░░░░░░ 0/2 Files · 0 records · 0/s";
  const lines = sent.map((text) => text.replace("\r\x1b[2K", ""))
    .filter((text) => text !== "");
  assertEquals([...new Set(lines)], [
    bar,
    "0/2 Files · 0 records · 0/s",
    "0/2 Files",
  ]);
  assertEquals(lines.at(-1), bar);
});

Deno.test("without a terminal: a plain line every five seconds, no control codes", async () => {
  const { clock, sent, reporter } = screen(false);
  await reporter.run(() => clock.sleep(12_000));
  assertEquals(sent, Array(2).fill("listing Files · 0 records · 0/s\n"));
});

Deno.test("export.log has every line with time and level, and never the key", () => {
  const { sent, logged, reporter } = screen(false);
  reporter.log("DEBUG", "a");
  reporter.log("INFO", "x-api-key: hl_sk_secret");
  assertEquals(sent, []);
  assertEquals(logged, [
    "2025-06-06T12:00:00.000Z DEBUG a\n",
    "2025-06-06T12:00:00.000Z INFO  x-api-key: [key]\n",
  ]);
});

Deno.test("numbers, times and texts are shown for people", () => {
  assertEquals([0, 999, 1000, 999_999, 62_300_000].map(bytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.0 MB",
    "62.3 MB",
  ]);
  assertEquals([0, 900, 9_990, 59_499, 185_000, 7_620_000].map(duration), [
    "0 s",
    "1 s",
    "10 s",
    "59 s",
    "3 min 05 s",
    "2 h 07 min",
  ]);
  assertEquals(["aé", "a支", "🚀"].map(mostColumns), [2, 3, 2]);
  assertEquals(
    escapeControls("a\tb\u202ec\u0007é"),
    "a\\u{9}b\\u{202e}c\\u{7}é",
  );
});

Deno.test("the summary lists what is missing, up to twenty parts", () => {
  const gaps = Array.from({ length: 25 }, (_, i) => ({
    fileId: `pr_${i}`,
    part: "logs",
    reason: "HTTP 500",
    offset: 0,
    missing: 1000,
  }));
  const text = summary({
    exported: 1,
    skipped: 0,
    failed: 25,
    counts: {},
    gaps,
    paths: new Map(),
  }, {
    exportDir: "exports/1",
    bytes: 0,
    tookMs: 1000,
    resumeCommand: "hl-export --resume exports/1",
    settings: { logs: true, directoryId: null, filters: NO_FILTERS },
  });
  const lines = text.split("\n");
  assertEquals(lines[0], "Export INCOMPLETE: exports/1");
  assertEquals(lines.filter((line) => line.includes("pr_")).length, 20);
  assertStringIncludes(text, "and 5 more, all in exports/1/export.json\n");
  assertEquals(lines.at(-2), "To resume: hl-export --resume exports/1");
});
