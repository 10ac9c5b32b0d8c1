/** `otlp`, as a user types it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { denoRuntime } from "../../../src/core/runtime/deno_runtime.ts";
import { attributesOf, writeLogs } from "../../otlp/read_export.ts";
import { run } from "../../helpers/program.ts";
import { printedTerminal } from "../../helpers/terminal.ts";
import { tempDir } from "../../helpers/tree.ts";

const VERSION = '"prompt":{"id":"pr_1","version_id":"v1","model":"gpt-4o"}';
const JUDGE = '"evaluator":{"id":"ev_1","version_id":"v1"}';
const LINES = {
  fl_1: ['{"id":"root","created_at":"2025-06-01T00:00:00"}'],
  pr_1: [
    `{"id":"a",${VERSION},"trace_id":"root","trace_parent_id":"root","created_at":"2025-06-02T00:00:00"}`,
    `{"id":"b",${VERSION},"created_at":"2025-06-03T00:00:00"}`,
  ],
  ev_1: [`{"id":"e",${JUDGE},"parent_id":"b","judgment":true}`],
};

async function exportOf(
  dir: string,
  lines: Parameters<typeof writeLogs>[1] = LINES,
): Promise<string> {
  const root = join(dir, "export");
  await writeLogs(root, lines);
  return root;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

/** The names of a file's records, by line. */
async function linesOf(
  path: string,
  resources: string,
  scopes: string,
  records: string,
) {
  const lines = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
  return lines.map((line) =>
    JSON.parse(line)[resources][0][scopes][0][records]
  );
}

Deno.test("otlp writes spans and judgments, each into its file, and says that all of the database is there", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const to = join(dir.path, "out", "traces.jsonl");
  const { code, out, err } = await run(["otlp", root, "--to", to]);
  assertEquals([code, err], [0, ""]);
  const judgmentsTo = join(dir.path, "out", "traces.judgments.jsonl");
  const [first = "", second = "", size = "", ...rest] = out.split("\n");
  assertEquals([first, second, ...rest], [
    `${to} written: 4 spans in 3 traces`,
    `${judgmentsTo} written: 1 judgment`,
    "from 2025-06-01T00:00:00.000Z to 2025-06-03T00:00:00.000Z",
    "4 Logs in the database: 4 spans",
    "1 judgment in the database: 1 event",
    "",
  ]);
  assert(/^\d\.\d kB in \d+\.\d s$/.test(size), size);
  assertEquals(await namesIn(join(dir.path, "out")), [
    ...["traces.jsonl", "traces.judgments.jsonl"],
  ]);
  const spans = await linesOf(to, "resourceSpans", "scopeSpans", "spans");
  assertEquals(
    spans.map((line) =>
      line.map(({ attributes }: { attributes: [] }) =>
        attributesOf(attributes)["humanloop.id"]
      )
    ),
    [["e", "root", "a", "b"]],
  );
  const [[event]] = await linesOf(
    ...[judgmentsTo, "resourceLogs", "scopeLogs", "logRecords"] as const,
  );
  assertEquals(event.spanId, spans[0].at(-1).spanId);
  // It writes over what it made itself, and makes the same.
  const before = await Deno.readTextFile(to);
  assertEquals((await run(["otlp", root, "--to", to, "--quiet"])).out, "");
  assertEquals(await Deno.readTextFile(to), before);
});

Deno.test("otlp --json prints one document; a Log that is not JSON is exit 3, and named", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path, { pr_1: ['{"id":"a"}', "no JSON"] });
  const to = join(dir.path, "t.json");
  const args = ["otlp", root, "--to", to];
  const { code, out, err } = await run([...args, "--json"]);
  const { tookMs, bytes, longestLine, ...rest } = JSON.parse(out);
  assertEquals([code, err], [3, ""]);
  assert(tookMs >= 0 && bytes === longestLine && bytes > 0);
  const problem = "files/pr_1/logs/1.jsonl:2 is not a JSON record";
  assertEquals(rest, {
    exitCode: 3,
    exportDirs: [root],
    dryRun: false,
    path: to,
    judgmentsPath: join(dir.path, "t.judgments.jsonl"),
    traces: 2,
    spans: 2,
    judgments: 0,
    problems: 1,
    oldest: null,
    newest: null,
    namedProblems: [problem],
    lacking: [],
    reconciled: {
      logs: 2,
      spans: 2,
      beyondLimit: 0,
      filteredOut: 0,
      acceptedBefore: 0,
      judgmentsAcceptedBefore: 0,
      judgments: 0,
      judgmentsWritten: 0,
      judgmentsFilteredOut: 0,
      judgmentsBeyondLimit: 0,
      judgmentsWithoutLog: 0,
      isComplete: true,
    },
  });
  const quiet = await run([...args, "--quiet"]);
  assertEquals(quiet.code, 3);
  assertStringIncludes(quiet.out, problem);
});

Deno.test("what the export itself lacks of Logs is named, and exit 3", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path, { pr_1: ['{"id":"a"}'] });
  const chunk = join(root, "files/pr_1/logs/1.jsonl");
  await Deno.writeFile(chunk, new Uint8Array([0xff, 0x0a]), { append: true });
  const { code, out } = await run(["otlp", root, "--dry-run"]);
  assertEquals(code, 3);
  assertStringIncludes(
    out,
    "the export itself lacks Logs:\n  files/pr_1/logs/1.jsonl:2 is not valid UTF-8\n",
  );
});

Deno.test("a --database inside the export is refused, with an advice that fits the option", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const path = join(root, "files/all.db");
  const args = ["otlp", root, "--dry-run", "--database", path];
  const { code, err } = await run(args);
  assertEquals(
    [code, err],
    [
      2,
      `error: ${path} is inside the export, where only what the API sent belongs; name another file\n`,
    ],
  );
});

Deno.test("an export that is not complete, or was made without Logs, is named, and exit 3", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  await Deno.remove(join(root, "files/pr_1/.done"));
  const lackingOf = async () => {
    const { code, out } = await run(["otlp", root, "--dry-run", "--json"]);
    assertEquals(code, 3);
    return JSON.parse(out).lacking;
  };
  assertEquals(await lackingOf(), [
    "files/pr_1 is not complete in the export",
  ]);
  await Deno.writeTextFile(join(root, "files/pr_1/.done"), "");
  const work = join(dir.path, "work");
  const { code } = await run(["demo", "--output", work]);
  assertEquals(code, 0);
  const demo = join(work, (await namesIn(work))[0]!);
  const manifest = JSON.parse(await Deno.readTextFile(`${demo}/export.json`));
  const write = async (changed: object) => {
    const text = JSON.stringify({ ...manifest, ...changed });
    await Deno.writeTextFile(join(root, "export.json"), text);
  };
  const rest = { files: {}, gaps: [] };
  await write({ ...rest, state: "interrupted" });
  assertEquals(
    (await lackingOf())[0],
    `${root} is not complete: Files that its run did not reach are missing`,
  );
  const settings = { ...manifest.settings, logs: false };
  await write({ ...rest, settings });
  assertEquals(
    (await lackingOf())[0],
    `${root} was made without Logs: it has those of Evaluations alone`,
  );
});

Deno.test("a damaged database is not an internal error, and the message says what to do", async () => {
  await using dir = await tempDir();
  const lines = Array.from(
    { length: 300 },
    (_, i) => JSON.stringify({ id: `log_${i}`, output: "x".repeat(2000) }),
  );
  const root = await exportOf(dir.path, { pr_1: lines });
  const path = join(root, "humanloop.db");
  assertEquals((await run(["database", root])).code, 0);
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.fill(0xff, 200_000));
  for (const command of ["otlp", "datasets"]) {
    const to = join(dir.path, command);
    const { code, err } = await run([command, root, "--to", to]);
    assertEquals(code, 1);
    assertEquals(
      err,
      `error: cannot read ${path}: database disk image is malformed; remove it and run the command again, which rebuilds it\n`,
    );
  }
});

Deno.test("otlp --dry-run writes nothing but the database, and shows one trace", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const to = join(dir.path, "traces.jsonl");
  const { code, out, err } = await run(["otlp", root, "--to", to, "--dry-run"]);
  assertEquals([code, err], [0, ""]);
  assertEquals(await namesIn(dir.path), ["export"]);
  const [told = "", trace = ""] = out.split("one trace:\n");
  assert(
    /^would write 4 spans in 3 traces, 1 judgment, \d\.\d kB\n/.test(told),
  );
  const { resourceSpans: [{ scopeSpans: [{ spans }] }] } = JSON.parse(trace);
  assertEquals(spans.map(({ name }: { name: string }) => name), [
    ...["log", "chat gpt-4o"],
  ]);
  const { out: json } = await run(["otlp", root, "--dry-run", "--json"]);
  const { dryRun, sample, bytes } = JSON.parse(json);
  assertEquals([dryRun, sample.length], [true, 2]);
  await run(["otlp", root, "--to", to]);
  const sizes = await Promise.all(
    [to, join(dir.path, "traces.judgments.jsonl")].map((path) =>
      Deno.stat(path)
    ),
  );
  assertEquals(bytes, sizes.reduce((sum, { size }) => sum + size, 0));
});

Deno.test("filters and --limit leave out Logs, which are counted", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const told = async (...args: string[]) => {
    const { out } = await run(["otlp", root, "--dry-run", "--json", ...args]);
    const { reconciled, spans, exitCode } = JSON.parse(out);
    const { filteredOut, beyondLimit, judgmentsWritten, judgmentsFilteredOut } =
      reconciled;
    return [
      ...[exitCode, spans, filteredOut, beyondLimit],
      ...[judgmentsWritten, judgmentsFilteredOut],
    ];
  };
  assertEquals(await told("--type", "evaluator"), [0, 1, 3, 0, 0, 1]);
  assertEquals(await told("--file", "Some/pr_1"), [0, 2, 2, 0, 1, 0]);
  assertEquals(await told("--since", "2025-06-02"), [0, 2, 2, 0, 1, 0]);
  assertEquals(await told("--until", "2025-06-02"), [0, 2, 2, 0, 0, 1]);
  assertEquals(await told("--limit", "2"), [0, 3, 0, 1, 0, 0]);
  assertEquals(await told("--limit", "9"), [0, 4, 0, 0, 1, 0]);
  const { code, err } = await run([
    ...["otlp", root, "--dry-run", "--file", "Some/pr_2"],
  ]);
  assertEquals(code, 2);
  assertStringIncludes(err, "no File matches --file Some/pr_2; did you mean ");
  const { err: far } = await run([
    "otlp",
    root,
    "--dry-run",
    "--file",
    "zzzzz",
  ]);
  assertStringIncludes(far, "--file zzzzz; browse lists what there is");
});

Deno.test("otlp writes over nothing that it did not make, and into no export", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const mine = join(dir.path, "mine.jsonl");
  await Deno.writeTextFile(mine, '{"resourceSpans":[]}\n');
  const judged = join(dir.path, "other.judgments.jsonl");
  await Deno.writeTextFile(judged, "notes");
  await Deno.mkdir(join(dir.path, "folder"));
  const cases = [
    [mine, `${mine} exists and is not a file of hl-export otlp`],
    [join(dir.path, "other.jsonl"), `${judged} exists and is not a file`],
    [join(dir.path, "folder"), "exists and is not a file"],
    [join(root, "traces.jsonl"), "is inside the export"],
  ] as const;
  for (const [to, words] of cases) {
    const { code, out, err } = await run(["otlp", root, "--to", to]);
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, words);
  }
  assertEquals(await namesIn(dir.path), [
    ...["export", "folder", "mine.jsonl", "other.judgments.jsonl"],
  ]);
  // Nothing was built for it either.
  assertEquals(await namesIn(root), ["files"]);
});

Deno.test("an interrupt leaves no half-written file", async () => {
  await using dir = await tempDir();
  const logs = Array.from({ length: 1000 }, (_, i) => `{"id":"log_${i}"}`);
  const root = await exportOf(dir.path, { pr_1: logs });
  await run(["database", root]);
  const { disk } = denoRuntime();
  let interrupt = () => {};
  const { code, err } = await run(
    ["otlp", root, "--to", join(dir.path, "traces.jsonl")],
    {
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {};
      },
      disk: {
        ...disk,
        open: (path, options) => {
          if (path.endsWith("traces.jsonl.part")) interrupt();
          return disk.open(path, options);
        },
      },
    },
  );
  assertEquals(code, 130);
  assertEquals(await namesIn(dir.path), ["export"]);
  assert(!err.includes("internal error"), err);
});

Deno.test("a terminal shows the progress of the writing", async () => {
  await using dir = await tempDir();
  const logs = Array.from({ length: 3000 }, (_, i) => `{"id":"log_${i}"}`);
  const root = await exportOf(dir.path, { pr_1: logs });
  let ms = 0;
  const terminal = { ...printedTerminal(), errIsTerminal: true };
  await run(["otlp", root, "--to", join(dir.path, "traces.jsonl")], {
    terminal,
    clock: {
      ...denoRuntime().clock,
      monotonicMs: () => ms += 150,
    },
  });
  const { err } = terminal.printed;
  assert(/\d+ of 3,000 spans · \d+ % · \d+ s left/.test(err), err);
  assert(err.endsWith("\r\x1b[2K"), err);
});

Deno.test("--database has otlp, datasets and prompts leave an export that is only to be read as it is", async () => {
  await using dir = await tempDir();
  const root = await exportOf(dir.path);
  const path = join(dir.path, "own", "all.db");
  const to = (name: string) => ["--to", join(dir.path, name)];
  for (
    const args of [
      ["otlp", root, ...to("t.jsonl")],
      ["datasets", root, ...to("ds")],
      ["prompts", root, ...to("p"), "--format", "promptfoo"],
    ]
  ) {
    const { code, err } = await run([...args, "--database", path]);
    assertEquals([code, err.includes("error")], [0, false], err);
    const into = await run([...args, "--database", join(root, "files/x.db")]);
    assertEquals(into.code, 2);
    const over = await run([...args, "--database", join(dir.path, "t.jsonl")]);
    assertEquals(over.code, 2);
    assertStringIncludes(over.err, "t.jsonl exists and is not a database");
  }
  assertEquals(await namesIn(root), ["files"]);
  assertEquals(await namesIn(join(dir.path, "own")), ["all.db"]);
});
