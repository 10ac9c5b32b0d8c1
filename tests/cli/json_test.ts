/** `--json`: every line that a run prints is of the types that programs rely on. */
import { assert, assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { JsonLine, JsonSummary } from "../../src/cli/json_output.ts";
import { holdsLogs } from "../helpers/poison.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import type { Ended } from "../helpers/program.ts";

const workspace = sampleWorkspace();
const ARGS = [...EXPORT_ARGS.filter((arg) => arg !== "--quiet"), "--json"];

type Checks = Readonly<Record<string, (value: never) => boolean>>;
const isNumber = (value: unknown) => typeof value === "number";
const isText = (value: unknown) => typeof value === "string";
const orNull = (is: (value: never) => boolean) => (value: never) =>
  value === null || is(value);
const isTime = (value: string) =>
  isText(value) && new Date(value).toISOString() === value;
const has = (checks: Checks) => (value: object) =>
  Object.keys(value).sort().join() === Object.keys(checks).sort().join() &&
  Object.entries(checks).every(([name, is]) =>
    is(value[name as keyof typeof value])
  );

const isLog = has({
  type: (value) => value === "log",
  time: isTime,
  level: (value) => ["DEBUG", "INFO", "WARN", "ERROR"].includes(value),
  message: isText,
});
const isProgress = has({
  type: (value) => value === "progress",
  time: isTime,
  filesDone: isNumber,
  filesTotal: orNull(isNumber),
  records: isNumber,
  recordsPerSecond: isNumber,
  leftMs: orNull(isNumber),
  oldest: orNull(has({ file: isText, tookMs: isNumber })),
  waiting: orNull(has({ reason: isText, leftMs: isNumber })),
});
const isSummary = has({
  state: isText,
  exitCode: isNumber,
  exportDir: orNull(isText),
  scope: isText,
  logs: (value) => typeof value === "boolean",
  directoryId: orNull(isText),
  resumeCommand: orNull(isText),
  filters: orNull(isText),
  tookMs: isNumber,
  bytes: isNumber,
  files: orNull(
    has({ exported: isNumber, skipped: isNumber, failed: isNumber }),
  ),
  records: orNull((value) => Object.values(value).every(isNumber)),
  gaps: (value) => Array.isArray(value),
  error: orNull(isText),
});

/** Checks every line, and returns them and the document. */
function read({ out, err }: Ended) {
  const lines = err.split("\n").slice(0, -1).map((line): JsonLine => {
    const value = JSON.parse(line);
    assert(isLog(value) || isProgress(value), line);
    return value;
  });
  assertEquals(out.split("\n").length, out === "" ? 1 : 2);
  const summary: JsonSummary | null = out === "" ? null : JSON.parse(out);
  if (summary !== null) assert(isSummary(summary), out);
  return { lines, summary };
}

Deno.test("--json: a run through every fault prints nothing but lines of JSON, then one document", async () => {
  const disk = new MemoryDisk();
  let n = 0;
  const before = (url: URL) => {
    if (holdsLogs(url, CLASSIFIER.id, [7])) {
      return new Response("a\nb\u0007", { status: 500 });
    }
    if (++n > 200 && n < 215) return new TypeError("connection refused");
    return n % 9 === 0
      ? new Response("", { status: 429, headers: { "retry-after": "30" } })
      : undefined;
  };
  const ended = await runInMemory([...ARGS, "--verbose"], {
    disk,
    workspace,
    before,
  });
  assertEquals(ended.code, 3);
  const { lines, summary } = read(ended);
  assert(lines.some(({ type }) => type === "progress"));
  const waits = lines.filter((line) =>
    line.type === "progress" && line.waiting !== null
  );
  assert(waits.length > 0, "it waited for the Retry-After");
  assert(lines.some((line) => line.type === "log" && line.level === "WARN"));
  assertEquals([summary!.state, summary!.exitCode], ["incomplete", 3]);
  assertEquals(
    summary!.resumeCommand,
    `hl-export --resume ${MEMORY_EXPORT} --api-url http://127.0.0.1/v5`,
  );
  assertEquals(summary!.files, { exported: 13, skipped: 0, failed: 1 });
  assertEquals(summary!.gaps.map(({ fileId, offset }) => [fileId, offset]), [
    [CLASSIFIER.id, 7],
  ]);
});

Deno.test("--json: a complete run has no command to resume", async () => {
  const disk = new MemoryDisk();
  const ended = await runInMemory(ARGS, { disk, workspace });
  const { lines, summary } = read(ended);
  assertEquals(ended.code, 0);
  assertEquals([summary!.state, summary!.resumeCommand, summary!.error], [
    "complete",
    null,
    null,
  ]);
  assertEquals(summary!.records!.logs, 4_422);
  assert(!lines.some((line) => line.type === "log" && line.level === "ERROR"));
  const quiet = await runInMemory(["--resume", MEMORY_EXPORT, "--json", "-q"], {
    disk,
    workspace,
  });
  assertEquals(quiet.err, "");
  assertEquals(read(quiet).summary!.files!.skipped, 14);
});

Deno.test("--json: what ends a run is in the document", async () => {
  const disk = new MemoryDisk();
  const key = `${DEMO_KEY}x`;
  const refused = await runInMemory(ARGS, { disk, workspace, key });
  assertEquals(refused.code, 5);
  const { summary } = read(refused);
  assertEquals([summary!.state, summary!.exitCode], ["refused", 5]);
  assert(summary!.error!.includes("refused the key"));
  const full = new MemoryDisk();
  const error = Object.assign(new Error("no space"), { code: "ENOSPC" });
  full.rename = () => Promise.reject(error);
  const failed = await runInMemory(ARGS, { disk: full, workspace });
  const document = read(failed).summary!;
  assertEquals([failed.code, document.state, document.exportDir], [
    1,
    "failed",
    null,
  ]);
});

Deno.test("--json: wrong usage is a line of JSON, and no document", async () => {
  const disk = new MemoryDisk();
  for (
    const args of [
      ["--json", "--nonsense"],
      ["--resume", "/nowhere", "--json"],
      ["--json", "--patience", "soon"],
    ]
  ) {
    const ended = await runInMemory(args, { disk, workspace });
    const { lines, summary } = read(ended);
    assertEquals([ended.code, summary, lines.length], [2, null, 1]);
    assert(lines[0]!.type === "log" && lines[0]!.level === "ERROR");
  }
});
