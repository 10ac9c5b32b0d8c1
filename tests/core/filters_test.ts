import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { UsageError } from "../../src/core/errors.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { readFilters, resumedFilters } from "../../src/cli/options/filters.ts";
import {
  expectMatches,
  fileFilter,
  filtersText,
  nearestPath,
  wantsFile,
} from "../../src/core/filters.ts";
import { scopeText } from "../../src/core/scope.ts";
import {
  type DemoFile,
  sequence,
  type Workspace,
} from "../../src/demo/workspace.ts";
import { NO_FILTERS } from "../../src/core/filters.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";

const NOW = Date.UTC(2025, 5, 1);

Deno.test("times are dates, dates with a time, or hours, days or weeks ago", () => {
  for (
    const [said, formatTime] of [
      ["2025-01-31", "2025-01-31T00:00:00.000Z"],
      ["2025-01-31T08:00Z", "2025-01-31T08:00:00.000Z"],
      ["2025-01-31T08:00:01.5", "2025-01-31T08:00:01.500Z"],
      ["2025-01-31T08:00+02:00", "2025-01-31T06:00:00.000Z"],
      ["30d", "2025-05-02T00:00:00.000Z"],
      ["24h", "2025-05-31T00:00:00.000Z"],
      ["2w", "2025-05-18T00:00:00.000Z"],
      ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ]
  ) {
    assertEquals(readFilters({ since: said! }, NOW)?.since, formatTime);
    assertEquals(readFilters({ until: said! }, NOW)?.until, formatTime);
  }
  const none = ["yesterday", "2025-13-01", "2025", "d", "01/02/2025", "3m"];
  const noDays = ["2025-02-30", "2025-02-29", "2025-04-31T08:00Z"];
  for (const said of [...none, ...noDays]) {
    assertThrows(
      () => readFilters({ since: said }, NOW),
      UsageError,
      "--since must be a date",
    );
  }
  assertThrows(
    () => readFilters({ since: "2025-02-01", until: "2025-01-01" }, NOW),
    UsageError,
    "is not before",
  );
});

Deno.test("types are sorted, and no filters are null", () => {
  assertEquals(readFilters({ type: ["tool", "flow"] }, NOW)?.types, [
    "flow",
    "tool",
  ]);
  assertEquals(readFilters({}, NOW), null);
});

Deno.test("a File is wanted by its id or by a glob of its path", () => {
  const wants = (files: string[], path: string | null, id = "pr_1") =>
    wantsFile({ ...NO_FILTERS, files }, { id, type: "prompt", path });
  const TABLE: ReadonlyArray<readonly [string, string, boolean]> = [
    ["support/**", "support/a", true],
    ["support/**", "support/a/b", true],
    ["support/**", "supporting", false],
    ["support/*", "support/a", true],
    ["support/*", "support/a/b", false],
    ["**/triage", "a/b/triage", true],
    ["**/triage", "triage", true],
    ["/support/a", "support/a", true],
    ["a.b", "axb", false],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["(a|b)[c]$", "(a|b)[c]$", true],
    ["Support/a", "support/a", true],
    ["support", "Support/a/b", true],
    ["**/triage", "a/Triage/b", true],
    ["sup", "support/a", false],
    ["**", "a/b", true],
    ["/", "a/b", true],
    ["配送*", "配送先", true],
  ];
  for (const [glob, path, wanted] of TABLE) {
    assertEquals(wants([glob], path), wanted, `${glob} on ${path}`);
  }
  assertEquals([wants(["pr_1"], null), wants(["pr_2"], null)], [true, false]);
  assertEquals(wants([], null), true);
  assertEquals(wants(["x", "pr_1"], "y"), true);
});

const file = (path: string | null, type = "prompt", id = "pr_1") => ({
  id,
  type,
  path,
});

Deno.test("Support, Support/ and Support/** mean the same", () => {
  const paths = ["Support", "Support/a", "Support/a/b", "Supporting/a", "x"];
  for (const pattern of ["Support", "Support/", "Support/**", "/support"]) {
    const isWanted = fileFilter({ ...NO_FILTERS, files: [pattern] }, paths);
    assertEquals(
      paths.filter((path) => isWanted(file(path))),
      ["Support", "Support/a", "Support/a/b"],
      pattern,
    );
  }
});

Deno.test("case matters only if another path is spelled just like the pattern", () => {
  const paths = ["Support/Triage", "Docs/a", "docs/b", "Ops/x", "Ops/X"];
  const wanted = (pattern: string) => {
    const isWanted = fileFilter({ ...NO_FILTERS, files: [pattern] }, paths);
    return paths.filter((path) => isWanted(file(path)));
  };
  assertEquals(
    ["support/triage", "docs", "DOCS", "ops/x", "Ops/X", "ops/*"].map(wanted),
    [
      ["Support/Triage"],
      ["docs/b"],
      ["Docs/a", "docs/b"],
      ["Ops/x", "Ops/X"],
      ["Ops/X"],
      ["Ops/x", "Ops/X"],
    ],
  );
});

Deno.test("a filter that matches no File is refused, with the nearest path", () => {
  const listed = [
    file("Support/Triage/Ticket Classifier"),
    file("Support/Reply Writer"),
    file(null, "tool", "tl_1"),
  ];
  const refused = (some: Partial<typeof NO_FILTERS>) =>
    assertThrows(
      () => expectMatches({ ...NO_FILTERS, ...some }, listed),
      UsageError,
    ).message;
  assertEquals(
    refused({ files: ["Suport/**"] }),
    "no File matches --file 'Suport/**'; did you mean Support?",
  );
  assertEquals(
    refused({ files: ["tl_1", "triage"] }),
    "no File matches --file triage; did you mean Support/Triage?",
  );
  assertEquals(
    refused({ files: ["zzz_unknown"] }),
    "no File matches --file zzz_unknown; plan lists what there is",
  );
  assertEquals(
    refused({ types: ["flow"] }),
    "no File matches --type flow; leave a filter out",
  );
  assertEquals(
    refused({ types: ["tool"], files: ["support"] }),
    "no File matches --type tool --file support; leave a filter out",
  );
  expectMatches({ ...NO_FILTERS, files: ["support/**", "tl_1"] }, listed);
  expectMatches({ ...NO_FILTERS, shard: { index: 9, of: 999 } }, listed);
  expectMatches(NO_FILTERS, []);
});

Deno.test("the nearest path is that of a File or a Directory, by its path or its name", () => {
  const paths = ["Support/Triage/Classifier", "Shared/Exact label"];
  assertEquals(
    ["support/triag", "clasifier", "Shared/Exact lable", "nothing"].map((
      pattern,
    ) => nearestPath(pattern, paths)),
    ["Support/Triage", "Support/Triage/Classifier", "Shared/Exact label", null],
  );
});

Deno.test("the scope of an export in words", () => {
  const filters = { ...NO_FILTERS, types: ["tool"] };
  const everything = { logs: true, directoryId: null, filters: NO_FILTERS };
  assertEquals(
    [
      everything,
      { ...everything, logs: false },
      { ...everything, directoryId: "dir_1" },
      { logs: false, directoryId: "dir_1", filters },
    ].map(scopeText),
    [
      "everything",
      "all but Logs",
      "all, only --directory dir_1",
      "all but Logs, only --directory dir_1 --type tool",
    ],
  );
});

Deno.test("a resume keeps the filters of the first run, and takes no others", () => {
  const first = readFilters({ type: ["tool"], since: "2025-01-01" }, NOW)!;
  assertEquals(resumedFilters(first, null), first);
  assertEquals(resumedFilters(first, { ...first }), first);
  assertEquals(resumedFilters(NO_FILTERS, null), NO_FILTERS);
  assertThrows(
    () => resumedFilters(first, readFilters({ type: ["flow"] }, NOW)),
    UsageError,
    "this export was started with --type tool --since 2025-01-01T00:00:00.000Z",
  );
  assertEquals(filtersText(NO_FILTERS), null);
});

const HOUR = 3_600_000;
/** A Log every hour, newest first. */
function hourly(file: DemoFile, length: number): DemoFile {
  const createdMs = (i: number) => NOW - HOUR - i * HOUR;
  const make = (i: number) =>
    `{"id":"log_${i}","created_at":"${new Date(createdMs(i)).toISOString()}"}`;
  const logs = { ...sequence(length, make), createdMs };
  return { ...file, logs, bareLogs: logs, evaluations: [] };
}

const workspace: Workspace = (() => {
  const { directories, files } = sampleWorkspace();
  const lengths = [2_500, 90, 24_000];
  const prompts = files.filter(({ type }) => type === "prompt")
    .map((file, i) => hourly(file, lengths[i] ?? 10));
  return {
    directories,
    files: [...prompts, ...files.filter(({ type }) => type === "dataset")],
  };
})();

async function exported(args: readonly string[], source = workspace) {
  const disk = new MemoryDisk();
  const ended = await runInMemory([...EXPORT_ARGS, ...args], {
    disk,
    workspace: source,
  });
  assertEquals(ended.code, 0, ended.err);
  const files = disk.files(MEMORY_EXPORT);
  const ids = new Set(
    [...files.keys()].filter((name) => name.startsWith("files/"))
      .map((name) => name.split("/")[1]!),
  );
  const logs = (id: string) =>
    [...files].filter(([name]) => name.startsWith(`files/${id}/logs/`))
      .flatMap(([, text]) => text.trimEnd().split("\n"))
      .map((line): string => JSON.parse(line).created_at);
  return { disk, ids, logs, files };
}

Deno.test("--type and --file leave the others out, and a resume does so too", async () => {
  const [first] = workspace.files;
  const { path } = JSON.parse(first!.text);
  const tools = await exported(["--type", "dataset"]);
  assertEquals(
    [...tools.ids].sort(),
    workspace.files.filter(({ type }) => type === "dataset")
      .map(({ id }) => id).sort(),
  );
  const { disk, ids } = await exported(["--file", path, "--type", "prompt"]);
  assertEquals([...ids], [first!.id]);
  const resume = ["--resume", MEMORY_EXPORT];
  const { code, out } = await runInMemory(resume, { disk, workspace });
  assertEquals(code, 0);
  assertStringIncludes(out, `, only --type prompt --file '${path}'`);
  const verify = ["verify", MEMORY_EXPORT, "--remote"];
  const verified = await runInMemory(verify, { disk, workspace });
  assertEquals(verified.code, 0, verified.out);
  const other = await runInMemory([...resume, "--type", "flow"], {
    disk,
    workspace,
  });
  assertEquals(other.code, 2);
});

Deno.test("--since and --until choose Logs by their time, in lists of every length", async () => {
  const since = "2025-03-01";
  const until = "2025-05-20T12:00Z";
  const [from, to] = [Date.parse(since), Date.parse(until)];
  const { disk, logs } = await exported(["--since", since, "--until", until]);
  for (const { id, type, logs: all } of workspace.files) {
    if (type !== "prompt") continue;
    const wanted = Array.from(
      { length: all.length },
      (_, i) => all.createdMs!(i),
    )
      .filter((ms) => ms >= from && ms < to)
      .map((ms) => new Date(ms).toISOString());
    assertEquals(logs(id), wanted, `${wanted.length} of ${all.length}`);
  }
  const verify = ["verify", MEMORY_EXPORT, "--remote"];
  const { code, out } = await runInMemory(verify, { disk, workspace });
  assertEquals(code, 0, out);
});

Deno.test("a long list since a time is read in windows, and whole", async () => {
  const { logs } = await exported(["--since", "2022-12-01"]);
  const long = workspace.files.find(({ logs }) => logs.length === 24_000)!;
  const times = logs(long.id);
  assert(times.length > 20_000, `${times.length} Logs`);
  assertEquals(times, times.toSorted().reverse());
  assert(times.at(-1)! >= "2022-12-01");
});

Deno.test("if the API ignores dates, all Logs are exported, with a warning", async () => {
  const bare = Array.from({ length: 150 }, (_, i) => `{"id":"log_${i}"}`);
  const file = { ...workspace.files[0]!, logs: bare, bareLogs: bare };
  const disk = new MemoryDisk();
  const args = EXPORT_ARGS.filter((arg) => arg !== "--quiet");
  const { code, err } = await runInMemory([...args, "--since", "30d"], {
    disk,
    workspace: { ...workspace, files: [file] },
  });
  assertEquals(code, 0);
  assertStringIncludes(err, "warn: the API ignores dates: all Logs of");
  const chunk = disk.files(MEMORY_EXPORT).get(`files/${file.id}/logs/1.jsonl`)!;
  assertEquals(chunk.trimEnd().split("\n").length, 150);
});
