/**
 * A resume loses nothing that is on disk, and calls complete only what it has
 * seen to be so.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DemoFile } from "../../src/demo/workspace.ts";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { RecordGap } from "../../src/core/gap.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { throughDisk } from "../helpers/disk.ts";
import type { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  asksForLogs,
  datedLogs,
  type Disturbed,
  MemoryExport,
  withLogs,
  workspaceOf,
} from "../helpers/memory_export.ts";
import { holdsLogs } from "../helpers/poison.ts";
import type { Ended } from "../helpers/program.ts";
import { expectedTree, type Tree } from "../helpers/tree.ts";

const BIG = CLASSIFIER.id;
const FILE = `files/${BIG}`;
const LOGS = `${FILE}/logs`;
const logs = datedLogs(2_500);
const workspace = workspaceOf(logs);
const whole = expectedTree(workspace, { logs: true });
/** Answers as the API does for a record that it cannot serve. */
const unserved = () => new Response("", { status: 500 });
const gone = () => Response.json({ detail: "gone" }, { status: 410 });

/** Says which files differ, where a whole tree would flood the terminal. */
function assertSame(actual: Tree, expected: Tree): void {
  const paths = new Set([...actual.keys(), ...expected.keys()]);
  const different = [...paths].filter((path) =>
    actual.get(path) !== expected.get(path)
  );
  assertEquals(different, []);
}

/** Checks that either all is there, or the run says what is missing. */
function assertWholeOrReported(
  made: MemoryExport,
  { code, out, err }: Ended,
  missing: { readonly part: string; readonly sum: string },
): void {
  if (code === 0) return assertSame(made.tree, whole);
  assertEquals(code, 3, err);
  assertStringIncludes(out + err, missing.part);
  assertStringIncludes(made.text("SHA256SUMS") ?? "", missing.sum);
  assertEquals(made.tree.has(`${FILE}/.done`), false);
}

/** Checks whether every line is still somewhere in or beside its list. */
function assertKept(made: MemoryExport, lines: readonly string[]): void {
  const kept = made.keptLines(LOGS);
  assertEquals(lines.filter((line) => !kept.has(line)).length, 0, "lines lost");
}

/** Makes an export of which one Log could not be served: its list is not finished. */
async function unfinishedExport(offset = 2_400): Promise<MemoryExport> {
  const made = new MemoryExport(workspace);
  const { code } = await made.begin({
    before: (url) => holdsLogs(url, BIG, [offset]) ? unserved() : undefined,
  });
  assertEquals(code, 3);
  assertEquals(made.lines(LOGS).length, logs.length - 1);
  return made;
}

async function finishedExport(): Promise<MemoryExport> {
  const made = new MemoryExport(workspace);
  assertEquals((await made.begin()).code, 0);
  return made;
}

const LOSSES: Readonly<Record<string, (made: MemoryExport) => string>> = {
  "a chunk": (made) => {
    made.put(`${LOGS}/3.jsonl`, null);
    return `${LOGS}/3.jsonl`;
  },
  "a line of a chunk": (made) => {
    const path = `${LOGS}/2.jsonl`;
    made.put(path, made.text(path)!.split("\n").toSpliced(500, 1).join("\n"));
    return path;
  },
  "all Versions": (made) => {
    const version = made.workspace.files[0]!.versions[0]!;
    made.remove(`${FILE}/versions`);
    return `${FILE}/versions/${version.id}`;
  },
};
for (const [name, lose] of Object.entries(LOSSES)) {
  const part = name.includes("Versions") ? "versions" : "logs";
  Deno.test(`a finished export that lost ${name} is not called complete without it`, async () => {
    const made = await finishedExport();
    const sum = lose(made);
    assertWholeOrReported(made, await made.resume(), { part, sum });
  });

  Deno.test(`a finished export that lost ${name} which the API no longer has: exit 3, and its sum stays`, async () => {
    const made = await finishedExport();
    const sum = lose(made);
    const ended = await made.resume({
      before: (url) =>
        asksForLogs(url, BIG) || url.pathname.endsWith(`${BIG}/versions`)
          ? gone()
          : undefined,
    });
    assertEquals(ended.code, 3);
    assertWholeOrReported(made, ended, { part, sum });
  });
}

const DAMAGES: Readonly<Record<string, (made: MemoryExport) => void>> = {
  "whose chunk 1 lost 100 lines": (made) => {
    const path = `${LOGS}/1.jsonl`;
    made.put(path, made.text(path)!.split("\n").toSpliced(300, 100).join("\n"));
  },
  "whose chunk 2 is garbage": (made) => {
    const length = made.text(`${LOGS}/2.jsonl`)!.length;
    made.put(`${LOGS}/2.jsonl`, "garbage\n".repeat(length / 8));
  },
  "whose chunk 2 is empty": (made) => made.put(`${LOGS}/2.jsonl`, ""),
  "whose chunk 1 ends within a line": (made) => {
    const path = `${LOGS}/1.jsonl`;
    made.put(path, made.text(path)!.slice(0, -20));
  },
  "whose chunk 1 is missing": (made) => made.put(`${LOGS}/1.jsonl`, null),
};
for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`an unfinished list ${name} is read again, and is whole`, async () => {
    const made = await unfinishedExport();
    damage(made);
    const { code, err } = await made.resume();
    assertEquals(code, 0, err);
    assertSame(made.tree, whole);
  });
}

const SHRUNK: Readonly<Record<string, Disturbed>> = {
  "answers with empty lists": {
    before: (url) =>
      asksForLogs(url, BIG)
        ? Response.json({ records: [], page: 1, size: 100, total: 0 })
        : undefined,
  },
  "answers 404": {
    before: (url) =>
      asksForLogs(url, BIG)
        ? Response.json({ detail: "File not found" }, { status: 404 })
        : undefined,
  },
  "has only some of the Logs": { workspace: workspaceOf(logs.slice(0, 700)) },
  "says smaller totals": {
    server: {
      total: (url, total) => asksForLogs(url, BIG) ? total - 1_200 : total,
    },
  },
};
for (const [name, disturbed] of Object.entries(SHRUNK)) {
  Deno.test(`an unfinished list stays on disk where the API now ${name}: exit 3, and reported`, async () => {
    const made = await unfinishedExport();
    const before = made.lines(LOGS);
    const { code, out, err } = await made.resume(disturbed);
    assertEquals(code, 3, err);
    assertStringIncludes(out + err, "logs");
    assertKept(made, before);
    assertEquals(made.tree.has(`${FILE}/.done`), false);
  });
}

type State = { lists: { logs: Record<string, unknown> } };
const changed = (change: (list: Record<string, unknown>) => void) => {
  return (text: string) => {
    const state: State = JSON.parse(text);
    change(state.lists.logs);
    return JSON.stringify(state);
  };
};
const STATES: Readonly<Record<string, (text: string) => string>> = {
  "is cut short": (text) => text.slice(0, text.length / 2),
  "is empty": () => "",
  "is null": () => "null",
  "has a gap that is null": changed((list) => list["empty"] = [null]),
  "has time windows that are null": changed((list) => list["rest"] = null),
  "has numbers as text": changed((list) => {
    list["total"] = "2500";
    list["empty"] = [{ offset: "2400", count: "1", reason: "HTTP 410" }];
  }),
  "has a negative total": changed((list) => list["total"] = -1),
  "says finished where it is not": changed((list) => {
    list["finished"] = true;
    list["empty"] = [];
  }),
};
for (const [name, change] of Object.entries(STATES)) {
  Deno.test(`a checkpoint that ${name} costs nothing: the list is whole after a resume`, async () => {
    const made = await unfinishedExport();
    made.put(`${FILE}/.state.json`, change(made.text(`${FILE}/.state.json`)!));
    const { code, err } = await made.resume();
    assertEquals(code, 0, err);
    assertSame(made.tree, whole);
  });

  Deno.test(`a checkpoint that ${name} costs nothing while the API fails either: exit 3`, async () => {
    const made = await unfinishedExport();
    const before = made.lines(LOGS);
    made.put(`${FILE}/.state.json`, change(made.text(`${FILE}/.state.json`)!));
    const { code, err } = await made.resume({
      before: (url) => asksForLogs(url, BIG) ? gone() : undefined,
    });
    assertEquals(code, 3, err);
    assertKept(made, before);
  });
}

const OFFICIAL_DONE = "Exported at 2025-06-06 12:00:00\n";

/** Returns what the official script leaves: no settings, no sums, its own `.done`. */
function officialExport(
  change: (tree: Tree) => void,
): MemoryExport {
  const made = new MemoryExport(workspace);
  const tree: Tree = new Map(whole);
  for (const path of whole.keys()) {
    if (path.endsWith("/.done")) tree.set(path, OFFICIAL_DONE);
  }
  change(tree);
  const root = "/exports/20250101-000000";
  made.disk.put(`${root}/export.log`, "2025-06-06 | INFO | began\n");
  for (const [path, text] of tree) made.disk.put(`${root}/${path}`, text);
  return made;
}

Deno.test("records that the official script dropped although it wrote .done are exported", async () => {
  const made = officialExport((tree) => {
    const path = `${LOGS}/2.jsonl`;
    const lines = tree.get(path)!.split("\n");
    tree.set(path, lines.toSpliced(400, 100).join("\n"));
  });
  const before = made.lines(LOGS);
  const { code, err } = await made.resume({}, ["--logs"]);
  assertEquals(code, 0, err);
  assertEquals(made.lines(LOGS), logs);
  assertKept(made, before);
  const { files } = JSON.parse(made.text("export.json")!);
  const { counts } = files[BIG];
  assertEquals(
    [counts.versions, counts.logs],
    [workspace.files[0]!.versions.length, logs.length],
  );
  const verified = await made.command("verify");
  assertEquals(verified.code, 0, verified.err + verified.out);
});

Deno.test("what the official script completed is counted from the disk", async () => {
  const made = officialExport(() => {});
  const { code, err } = await made.resume({}, ["--logs"]);
  assertEquals(code, 0, err);
  const { files } = JSON.parse(made.text("export.json")!);
  const { counts } = files[BIG];
  assertEquals(
    [counts.versions, counts.logs],
    [workspace.files[0]!.versions.length, logs.length],
  );
  const verified = await made.command("verify");
  assertEquals(verified.code, 0, verified.err + verified.out);
});

const FAILURES: Readonly<Record<string, () => Response>> = {
  "is gone": gone,
  "fails": () => new Response("", { status: 500 }),
};
for (const [name, failure] of Object.entries(FAILURES)) {
  Deno.test(`Logs of the official script stay on disk where the API ${name}: exit 3`, async () => {
    const made = officialExport((tree) => tree.delete(`${FILE}/.done`));
    const { code, err } = await made.resume({
      before: (url) => asksForLogs(url, BIG) ? failure() : undefined,
    }, ["--logs"]);
    assertEquals(code, 3, err);
    assertKept(made, logs);
  });

  Deno.test(`Versions of the official script stay on disk where the API ${name}: exit 3`, async () => {
    const made = officialExport((tree) => tree.delete(`${FILE}/.done`));
    const { code, err } = await made.resume({
      before: (url) =>
        url.pathname.endsWith(`${BIG}/versions`) ? failure() : undefined,
    }, ["--logs"]);
    assertEquals(code, 3, err);
    for (const { id } of workspace.files[0]!.versions) {
      assert(made.tree.has(`${FILE}/versions/${id}`), id);
    }
  });
}

/** Makes an export of a list that kept changing: all of it is on disk, exit 3. */
async function changingExport(): Promise<{
  readonly made: MemoryExport;
  readonly before: readonly string[];
}> {
  const growing = [...logs.map((text) => text.replace(/,"created_at.*/, "}"))];
  const made = new MemoryExport(workspaceOf(growing));
  let n = 0;
  const { code } = await made.begin({
    before: (url) => {
      if (asksForLogs(url, BIG)) growing.unshift(`{"id":"new_${n++}"}`);
      return undefined;
    },
  });
  assertEquals(code, 3);
  const before = [...made.keptLines(LOGS)];
  assert(before.length >= 2_500, `${before.length} lines are on disk`);
  return { made, before };
}

Deno.test("a list that kept changing stays on disk when the resume's API fails", async () => {
  const { made, before } = await changingExport();
  const { code, err } = await made.resume({
    before: (url) => asksForLogs(url, BIG) ? gone() : undefined,
  });
  assertEquals(code, 3, err);
  assertKept(made, before);
});

Deno.test("a list that kept changing stays on disk at whatever moment the resume is killed", async () => {
  const { made, before } = await changingExport();
  const disk = made.disk.copy();
  let died = true;
  for (let at = 1; died; at += 7) {
    const second = new MemoryExport(made.workspace);
    for (const [path, text] of disk.files("/exports")) {
      second.disk.put(`/exports/${path}`, text);
    }
    let n = 0;
    died = false;
    const { code } = await second.resume({
      through: (disk) =>
        throughDisk(disk, (_, writes) => {
          if (!writes || ++n < at) return;
          died = true;
          throw new Error("the machine is off");
        }),
    });
    if (died) assertEquals(code, 1);
    const kept = second.keptLines(LOGS);
    const source = new Set(
      Array.from(
        { length: made.workspace.files[0]!.logs.length },
        (_, i) => made.workspace.files[0]!.logs.at(i)!,
      ),
    );
    const lost = before.filter((line) => source.has(line) && !kept.has(line));
    assertEquals(lost.length, 0, `operation ${at}`);
  }
});

Deno.test("a chunk that holds more than a later reading is kept, and its gap is at its own offset", async () => {
  const logs = datedLogs(500);
  const made = new MemoryExport(workspaceOf(logs));
  const lacking = (offsets: readonly number[]) => ({
    before: (url: URL) => holdsLogs(url, BIG, offsets) ? unserved() : undefined,
  });
  assertEquals((await made.begin(lacking([400]))).code, 3);
  const before = made.lines(LOGS);
  assertEquals(before.length, 499);
  await made.disk.remove(`${made.root}/${FILE}/.state.json`);
  assertEquals((await made.resume(lacking([100, 200, 400]))).code, 3);
  assertEquals(made.lines(LOGS), before);
  const { gaps } = JSON.parse(made.text("export.json")!);
  assertEquals(
    gaps.map(({ part, offset, missing }: RecordGap) => [part, offset, missing]),
    [["logs", 400, 1]],
  );
  assertEquals((await made.resume()).code, 0);
  assertEquals(made.lines(LOGS), logs);
});

/** Makes a file unreadable. */
function unreadable(name: string, error: Error) {
  return (disk: MemoryDisk): Disk =>
    throughDisk(disk, (path, writes) => {
      if (!writes && path.endsWith(name)) throw error;
    });
}

const READ_ERRORS: Readonly<Record<string, Error>> = {
  "input/output error": Object.assign(new Error("Input/output error"), {
    code: "EIO",
  }),
  "no permission": new Deno.errors.PermissionDenied("Permission denied"),
};
for (
  const [name, error, chunk] of Object.entries(READ_ERRORS)
    .flatMap(([name, error]) => [2, 3].map((n) => [name, error, n] as const))
) {
  Deno.test(`chunk ${chunk} of an unfinished list that cannot be read (${name}) does not end the run`, async () => {
    const made = new MemoryExport(workspace);
    const draft = workspace.files.at(-1)!.id;
    const { code } = await made.begin({
      before: (url) =>
        holdsLogs(url, BIG, [2_400]) || asksForLogs(url, draft)
          ? unserved()
          : undefined,
    });
    assertEquals(code, 3);
    const before = made.lines(LOGS);
    const through = unreadable(`${LOGS}/${chunk}.jsonl`, error);
    const ended = await made.resume({ through });
    assert([0, 3].includes(ended.code), `exit ${ended.code}: ${ended.err}`);
    assert(made.tree.has(`files/${draft}/.done`), "the other File goes on");
    assertKept(made, before);
    if (ended.code === 0) assertEquals(made.lines(LOGS), logs);
    else assertStringIncludes(ended.err, "logs");
  });
}

Deno.test("a File that was deleted at the source, --resume --logs: exit 3, and reported", async () => {
  const made = new MemoryExport(workspace);
  assertEquals((await made.begin({}, ["--no-logs"])).code, 0);
  const before = made.tree;
  made.workspace = { ...workspace, files: workspace.files.slice(1) };
  const { code, out, err } = await made.resume({}, ["--logs"]);
  assertEquals(code, 3, err);
  assertStringIncludes(out + err, `${CLASSIFIER.path} logs: `);
  for (const path of before.keys()) {
    if (path.startsWith(FILE) && !path.endsWith(".done")) {
      assert(made.tree.has(path), path);
    }
  }
});

for (const status of [401, 403]) {
  Deno.test(`a File for which the API answers ${status} is a gap, since the key is good for the others`, async () => {
    const made = new MemoryExport(workspace);
    const refused = () =>
      Response.json({ detail: "no right to it" }, { status });
    const { code, out, err } = await made.begin({
      before: (url) => asksForLogs(url, BIG) ? refused() : undefined,
    });
    assertEquals(code, 3, err);
    assertStringIncludes(out + err, `${CLASSIFIER.path} logs: `);
    for (const { id } of workspace.files.slice(1)) {
      assert(made.tree.has(`files/${id}/.done`), id);
    }
    assertEquals(made.tree.has(`${FILE}/.done`), false);
    assertEquals((await made.resume()).code, 0);
    assertSame(made.tree, whole);
  });
}

Deno.test("a key that is refused everywhere from some moment on ends the run with exit 5", async () => {
  const made = new MemoryExport(workspace);
  let n = 0;
  const { code } = await made.begin({
    before: () =>
      ++n > 15
        ? Response.json({ detail: "revoked" }, { status: 401 })
        : undefined,
  });
  assertEquals(code, 5);
  assertEquals((await made.resume()).code, 0);
  assertSame(made.tree, whole);
});

/** Makes the same record with an id of the same letters in other cases. */
function inOtherCase(text: string, id: string): { id: string; text: string } {
  const other = id === id.toUpperCase() ? id.toLowerCase() : id.toUpperCase();
  return { id: other, text: text.replaceAll(id, other) };
}

const [file] = workspace.files;
const TWINS: Readonly<Record<string, readonly DemoFile[]>> = {
  Versions: [{
    ...file!,
    versions: [
      ...file!.versions,
      inOtherCase(file!.versions[0]!.text, file!.versions[0]!.id),
    ],
  }],
  Files: [file!, { ...file!, ...inOtherCase(file!.text, file!.id) }],
  Runs: sampleWorkspace().files.slice(0, 1).map((one) => ({
    ...withLogs(one, []),
    evaluations: one.evaluations.map((evaluation) => ({
      ...evaluation,
      logs: [],
      runs: [
        ...evaluation.runs,
        inOtherCase(evaluation.runs[0]!.text, evaluation.runs[0]!.id),
      ],
    })),
  })),
};
for (const [name, files] of Object.entries(TWINS)) {
  Deno.test(`two ${name} whose ids differ only in case: refused with a gap, on every disk alike`, async () => {
    const made = new MemoryExport({ ...workspace, files });
    const { code, out, err } = await made.begin();
    assertEquals(code, 3, err);
    assertStringIncludes(out + err, "case");
    const paths = [...made.tree.keys()].map((path) => path.toLowerCase());
    assertEquals(new Set(paths).size, paths.length);
  });
}

Deno.test("verify --repair fetches what is damaged, and only that", async () => {
  const made = await finishedExport();
  const garbled = made.text(`${LOGS}/1.jsonl`)!.replace("log_5", "log_x");
  made.put(`${LOGS}/1.jsonl`, garbled);
  made.put(`${LOGS}/3.jsonl`, null);
  made.put(`${FILE}/file.json`, "{");
  const asked: string[] = [];
  const { code, out, err } = await made.command("verify", [
    "--repair",
    "--api-url",
    "http://127.0.0.1/v5",
  ], {
    before: (url) => void asked.push(url.pathname + url.search),
  });
  assertEquals(code, 0, err + out);
  // What was broken is set aside.
  const aside = [...made.tree.keys()].filter((path) =>
    path.startsWith("damaged/")
  );
  assert(aside.length >= 2, `${aside}`);
  assertSame(
    new Map([...made.tree].filter(([path]) => !aside.includes(path))),
    whole,
  );
  assertEquals((await made.command("verify")).code, 0);
  for (const { id } of workspace.files.slice(1)) {
    assertEquals(asked.filter((one) => one.includes(id)), []);
  }
});
