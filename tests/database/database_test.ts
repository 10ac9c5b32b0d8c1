/** The database of an export: every record, its very bytes, and what is wrong with it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "@std/path";
import { StorageError } from "../../src/core/errors.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import {
  buildDatabase,
  type BuildOptions,
  isCurrent,
} from "../../src/database/build.ts";
import { buildText, isWhole } from "../../src/database/result_text.ts";
import { schemaText } from "../../src/database/schema.ts";
import { searchQuery } from "../../src/database/search_text.ts";
import { all, openDatabase, type SqlRow } from "../../src/database/sqlite.ts";
import {
  CLASSIFIER,
  FLOW,
  sampleWorkspace,
} from "../../src/demo/sample/sample.ts";
import { exportTo } from "../report/export_to.ts";
import { expectedTree, tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();

type Texts = Readonly<Record<string, string>>;

async function write(root: string, files: Texts): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, name)), { recursive: true });
    await Deno.writeTextFile(join(root, name), text);
  }
}

/** Builds the database of files, and asks it. */
async function databaseOf(
  dir: string,
  files: Texts,
  options: Partial<BuildOptions> = {},
) {
  await write(dir, files);
  const result = await buildDatabase({ disk, dirs: [dir], ...options });
  const ask = (sql: string, ...values: string[]): readonly SqlRow[] => {
    const database = openDatabase(result.path);
    try {
      return all(database, sql, values).map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  };
  return { result, ask };
}

const PROMPT = {
  "files/pr_1/file.json": `{"id":"pr_1","type":"prompt","path":"a/b"}`,
  "files/pr_1/deployments.json": "[]",
  "files/pr_1/versions/prv_1": `{"version_id":"prv_1"}`,
};
const logs = (...lines: string[]): Texts => ({
  ...PROMPT,
  "files/pr_1/logs/1.jsonl": lines.map((line) => `${line}\n`).join(""),
});

Deno.test("a database holds every record of an export, as many as the export states, byte for byte", async () => {
  await using dir = await tempDir();
  const workspace = sampleWorkspace();
  await exportTo(dir.path, workspace);
  const { result, ask } = await databaseOf(dir.path, {});
  for (const { read, stated, readOfStated } of result.compared) {
    assertEquals([read, stated], [readOfStated, read]);
  }
  assertEquals(Object.keys(result.problems), []);
  const tree = expectedTree(workspace, { logs: true });
  const linesOf = new Map(
    [...tree].map(([path, text]) => [path, text.split("\n")]),
  );
  let lines = 0;
  for (const table of ["logs", "datapoints", "evaluation_logs"]) {
    for (
      const { json, disk_path, disk_line } of ask(`SELECT * FROM ${table}`)
    ) {
      const line = linesOf.get(String(disk_path))![Number(disk_line) - 1]!;
      if (!line.includes(String(json))) {
        throw new Error(`${disk_path} ${disk_line} is other than on disk`);
      }
      if (line === json) lines++;
    }
  }
  const expected = [...tree].filter(([path]) => path.endsWith(".jsonl"))
    .reduce((sum, [path]) => sum + linesOf.get(path)!.length - 1, 0);
  assertEquals(lines, expected);
  for (const table of ["files", "versions", "evaluations", "runs"]) {
    for (const { json, disk_path } of ask(`SELECT * FROM ${table}`)) {
      assertEquals(json, tree.get(String(disk_path)));
    }
  }
  const [{ n } = { n: 0 }] = ask(
    "SELECT count(*) AS n FROM (SELECT id FROM logs GROUP BY id HAVING count(*) > 1)",
  );
  assertEquals(n, 0);
  assertEquals(ask("PRAGMA foreign_key_check"), []);
  const text = buildText(result, 1000);
  assert(text.includes("as the export states"), text);
});

Deno.test("the column json is the record of the export: large integers, 1E+400, lone surrogates, repeated names", async () => {
  await using dir = await tempDir();
  const line =
    `{ "id" : "log_1","n":12345678901234567890,"x":1E+400,"s":"\\ud83d \\u0000 \\/","a":1,"a":2,"z":-0.0,"output":{"n":1.0} }`;
  const child =
    `{"id":"in","n":[1E+400,12345678901234567890],"o":{"a":1,"a":"]}\\""}}`;
  const { ask } = await databaseOf(
    dir.path,
    logs(line, `{"id":"out","tr\\u0061ce_children":[ ${child} ,7,null]}`),
  );
  assertEquals(
    ask(
      "SELECT json, disk_line FROM logs WHERE id IN ('log_1', 'in') ORDER BY number",
    ),
    [{ json: line, disk_line: 1 }, { json: child, disk_line: 2 }],
  );
  assertEquals(
    ask("SELECT output FROM logs WHERE id = 'log_1'"),
    [{ output: `{"n":1.0}` }],
  );
  assertEquals(
    ask("SELECT id, trace_id, trace_parent_id FROM logs WHERE id <> 'log_1'"),
    [
      { id: "out", trace_id: "out", trace_parent_id: null },
      { id: "in", trace_id: "out", trace_parent_id: "out" },
    ],
  );
});

Deno.test("lines that are not JSON are kept as text, and everything that cannot be read is in problems", async () => {
  await using dir = await tempDir();
  const { result, ask } = await databaseOf(dir.path, {
    ...logs(`{"id":"log_1"}`, `{"id":"log_2","x":Infinity}`, "[1]\0torn", ""),
    "files/pr_2/versions/prv_9": "{",
  });
  assertEquals(
    ask(`SELECT kind, disk_path, disk_line, text FROM problems
      WHERE kind IN ('notJson', 'missing') ORDER BY disk_path, disk_line`),
    [
      {
        kind: "notJson",
        disk_path: "files/pr_1/logs/1.jsonl",
        disk_line: 2,
        text: `{"id":"log_2","x":Infinity}`,
      },
      {
        kind: "notJson",
        disk_path: "files/pr_1/logs/1.jsonl",
        disk_line: 3,
        text: "[1]\\u0000torn",
      },
      {
        kind: "notJson",
        disk_path: "files/pr_1/logs/1.jsonl",
        disk_line: 4,
        text: "",
      },
      {
        kind: "missing",
        disk_path: "files/pr_2/deployments.json",
        disk_line: null,
        text: null,
      },
      {
        kind: "missing",
        disk_path: "files/pr_2/file.json",
        disk_line: null,
        text: null,
      },
      {
        kind: "notJson",
        disk_path: "files/pr_2/versions/prv_9",
        disk_line: null,
        text: "{",
      },
    ],
  );
  assertEquals(ask("SELECT id FROM logs"), [{ id: "log_1" }]);
  assertEquals(ask("SELECT id FROM files"), [{ id: "pr_1" }, { id: "pr_2" }]);
  assertEquals(
    result.compared.find(({ kind }) => kind === "logs")!.read,
    4,
  );
});

Deno.test("a Log has one row, whether it is in its list, a trace, an Evaluation or several", async () => {
  await using dir = await tempDir();
  const own =
    `{"id":"log_t","prompt":{"id":"pr_1","version_id":"prv_1"},"output":"own"}`;
  const judge = (id: string, judgment: string) =>
    `{"id":"${id}","evaluator":{"id":"ev_1","version_id":"evv_1"},"judgment":${judgment}}`;
  const { ask } = await databaseOf(dir.path, {
    ...logs(own, `{"id":"log_2","evaluator_logs":[${judge("j1", "true")}]}`),
    "files/fl_1/file.json": `{"id":"fl_1","type":"flow"}`,
    "files/fl_1/deployments.json": "[]",
    "files/fl_1/logs/1.jsonl":
      `{"id":"root","trace_children":[{"id":"mid","trace_children":[{"id":"log_t","output":"nested"}]}]}\n`,
    "files/pr_1/evaluations/evr_1/evaluation.json": `{"id":"evr_1"}`,
    "files/pr_1/evaluations/evr_1/stats.json": `{"status":"completed"}`,
    "files/pr_1/evaluations/evr_1/runs/run_1": `{"id":"run_1"}`,
    "files/pr_1/evaluations/evr_1/logs/1.jsonl":
      `{"run_id":"run_1","datapoint":{"id":"dp_1"},"log":{"id":"log_t"},"evaluator_logs":[${
        judge("j2", `["a"]`)
      }]}\n` +
      `{"run_id":"run_1","datapoint":null,"log":{"id":"log_e"},"evaluator_logs":[${
        judge("j1", "true")
      }]}\n`,
  });
  assertEquals(
    ask(
      "SELECT id, output, trace_id, trace_parent_id AS parent, file_id FROM logs ORDER BY id",
    ),
    [
      { id: "j1", output: null, trace_id: null, parent: null, file_id: "ev_1" },
      { id: "j2", output: null, trace_id: null, parent: null, file_id: "ev_1" },
      {
        id: "log_2",
        output: null,
        trace_id: null,
        parent: null,
        file_id: "pr_1",
      },
      {
        id: "log_e",
        output: null,
        trace_id: null,
        parent: null,
        file_id: null,
      },
      {
        id: "log_t",
        output: "own",
        trace_id: "root",
        parent: "mid",
        file_id: "pr_1",
      },
      {
        id: "mid",
        output: null,
        trace_id: "root",
        parent: "root",
        file_id: null,
      },
      {
        id: "root",
        output: null,
        trace_id: "root",
        parent: null,
        file_id: "fl_1",
      },
    ],
  );
  assertEquals(
    ask(
      "SELECT evaluator_log_id AS id, log_id, run_id, type, judgment FROM judgments ORDER BY id",
    ),
    [
      {
        id: "j1",
        log_id: "log_e",
        run_id: "run_1",
        type: "boolean",
        judgment: "true",
      },
      {
        id: "j2",
        log_id: "log_t",
        run_id: "run_1",
        type: "array",
        judgment: `["a"]`,
      },
    ],
  );
  assertEquals(
    ask(
      `SELECT "table", "column", value, rows FROM problems WHERE kind = 'dangling' ORDER BY 1, 2`,
    ),
    [
      { table: "judgments", column: "evaluator_id", value: "ev_1", rows: 2 },
      {
        table: "judgments",
        column: "evaluator_id, evaluator_version_id",
        value: "ev_1 evv_1",
        rows: 2,
      },
      { table: "logs", column: "file_id", value: "ev_1", rows: 2 },
      {
        table: "logs",
        column: "file_id, version_id",
        value: "ev_1 evv_1",
        rows: 2,
      },
    ],
  );
});

Deno.test("a judgment counts in every Run that contains it", async () => {
  await using dir = await tempDir();
  const judge =
    `{"id":"j1","parent_id":"log_1","evaluator":{"id":"ev_1"},"judgment":true}`;
  const record = (run: string, log: string) =>
    `{"run_id":"${run}","log":{"id":"${log}"},"evaluator_logs":[${judge}]}\n`;
  const { ask } = await databaseOf(dir.path, {
    ...logs(`{"id":"log_1","evaluator_logs":[${judge}]}`),
    "files/ev_1/file.json": `{"id":"ev_1","type":"evaluator"}`,
    "files/ev_1/logs/1.jsonl": `${judge}\n`,
    "files/pr_1/evaluations/evr_1/evaluation.json": `{"id":"evr_1"}`,
    "files/pr_1/evaluations/evr_1/logs/1.jsonl": record("run_1", "log_1") +
      record("run_2", "log_1") + record("run_3", "log_3"),
  });
  assertEquals(
    ask("SELECT run_id, log_id, judgment FROM judgments ORDER BY run_id"),
    [
      { run_id: "run_1", log_id: "log_1", judgment: "true" },
      { run_id: "run_2", log_id: "log_1", judgment: "true" },
      { run_id: "run_3", log_id: "log_3", judgment: "true" },
    ],
  );
  assertEquals(
    ask("SELECT run_id, judgments, mean FROM judgment_stats ORDER BY run_id"),
    ["run_1", "run_2", "run_3"]
      .map((run_id) => ({ run_id, judgments: 1, mean: 1 })),
  );
});

Deno.test("a Log that is in two shards has one row, and one in the full-text index", async () => {
  await using one = await tempDir();
  await using two = await tempDir();
  await write(one.path, logs(`{"id":"log_1","output":"apple"}`));
  const { ask } = await databaseOf(
    two.path,
    logs(`{"id":"log_1","output":"pear"}`, `{"id":"log_3","output":"plum"}`),
    { dirs: [one.path, two.path], to: join(two.path, "x.db") },
  );
  assertEquals(
    ask("SELECT id, output, export FROM logs ORDER BY id"),
    [
      { id: "log_1", output: "apple", export: 1 },
      { id: "log_3", output: "plum", export: 2 },
    ],
  );
  const find = (query: string) =>
    ask(
      "SELECT id FROM logs WHERE number IN (SELECT rowid FROM logs_fts WHERE logs_fts MATCH ?)",
      query,
    )
      .map(({ id }) => id);
  assertEquals([find("apple"), find("pear"), find("plum")], [
    ["log_1"],
    [],
    ["log_3"],
  ]);
  const kinds = ask(
    `SELECT "table", value, disk_path FROM problems WHERE kind = 'twice' ORDER BY 1`,
  );
  assertEquals(kinds, [
    { table: "files", value: "pr_1", disk_path: "files/pr_1/file.json" },
    { table: "logs", value: "log_1", disk_path: "files/pr_1/logs/1.jsonl" },
    {
      table: "versions",
      value: "prv_1",
      disk_path: "files/pr_1/versions/prv_1",
    },
  ]);
});

Deno.test("the Logs within a Log that stands in two lists are all there, of the second too", async () => {
  await using one = await tempDir();
  await using two = await tempDir();
  const flow = (...children: string[]) =>
    `{"id":"f","trace_children":[${
      children.map((id) => `{"id":"${id}","trace_children":[]}`).join()
    }],"evaluator_logs":[{"id":"j","evaluator":{"id":"ev_1"},"judgment":1}]}`;
  await write(one.path, logs(flow("a")));
  const { result, ask } = await databaseOf(two.path, logs(flow("a", "b")), {
    ...{ dirs: [one.path, two.path], to: join(two.path, "x.db") },
  });
  assertEquals(result.rows["logs"], 4);
  assertEquals(
    ask("SELECT id, export, trace_id, trace_parent_id FROM logs ORDER BY id"),
    [
      { id: "a", export: 1, trace_id: "f", trace_parent_id: "f" },
      { id: "b", export: 2, trace_id: "f", trace_parent_id: "f" },
      { id: "f", export: 1, trace_id: "f", trace_parent_id: null },
      { id: "j", export: 1, trace_id: null, trace_parent_id: null },
    ],
  );
  assertEquals(
    ask("SELECT log_id, l.id FROM judgments j JOIN logs l ON l.number = j.log"),
    [{ log_id: "f", id: "f" }],
  );
});

Deno.test("what a File has in each of two exports is there once, and the other is in problems", async () => {
  await using one = await tempDir();
  await using two = await tempDir();
  const files = (status: string, text: string): Texts => ({
    ...logs(),
    "files/pr_1/deployments.json":
      `[{"version_id":"prv_1","environment_id":"env_1","n":"${text}"}]`,
    "files/pr_1/datapoints/prv_1/1.jsonl":
      `{"id":"dp_1"}\n{"id":"dp_2","n":"${text}"}\n`,
    "files/pr_1/evaluations/evr_1/evaluation.json": `{"id":"evr_1"}`,
    "files/pr_1/evaluations/evr_1/stats.json": `{"status":"${status}"}`,
    "files/pr_1/evaluations/evr_1/logs/1.jsonl":
      `{"run_id":"run_1","log":{"id":"log_1"}}\n`,
  });
  await write(one.path, files("completed", "first"));
  const { result, ask } = await databaseOf(two.path, files("x", "second"), {
    ...{ dirs: [one.path, two.path], to: join(two.path, "x.db") },
  });
  const { deployments, datapoints, evaluation_logs } = result.rows;
  // A Datapoint that differs is another one.
  assertEquals([deployments, datapoints, evaluation_logs], [1, 3, 1]);
  assertEquals(ask("SELECT status, stats FROM evaluations"), [
    { status: "completed", stats: `{"status":"completed"}` },
  ]);
  const at = "files/pr_1/evaluations/evr_1";
  assertEquals(
    ask(`SELECT "table" AS name, value, disk_path, disk_line FROM problems
      WHERE kind = 'twice' AND export = 2 AND "table" NOT IN ('files', 'versions')
      ORDER BY 1, disk_path`),
    [
      ["datapoints", "dp_1", "files/pr_1/datapoints/prv_1/1.jsonl", 1],
      ["deployments", "env_1", "files/pr_1/deployments.json", null],
      ["evaluation_logs", "log_1", `${at}/logs/1.jsonl`, 1],
      ["evaluations", "evr_1", `${at}/evaluation.json`, null],
      ["evaluations", "evr_1", `${at}/stats.json`, null],
    ].map(([name, value, disk_path, disk_line]) => ({
      ...{ name, value, disk_path, disk_line },
    })) as SqlRow[],
  );
});

Deno.test("a Run that is in two Evaluations is a Run of each, with its judgments", async () => {
  await using dir = await tempDir();
  const files = ["evr_1", "evr_2"].map((id): Texts => {
    const below = `files/pr_1/evaluations/${id}`;
    return {
      [`${below}/evaluation.json`]: `{"id":"${id}"}`,
      [`${below}/stats.json`]: "{}",
      [`${below}/runs/run_1`]: `{"id":"run_1","added_at":"for ${id}"}`,
      [`${below}/logs/1.jsonl`]:
        `{"run_id":"run_1","log":{"id":"log_1"},"evaluator_logs":[{"id":"j1","evaluator":{"id":"ev_1"},"judgment":true}]}\n`,
    };
  });
  const { result, ask } = await databaseOf(
    dir.path,
    Object.assign({ ...PROMPT }, ...files),
  );
  assertEquals(result.problems["twice"], undefined);
  assertEquals(
    ask(`SELECT r.evaluation_id, r.json, s.judgments, s.num_true FROM runs r
      JOIN judgment_stats s ON s.evaluation_id = r.evaluation_id
      AND s.run_id = r.id ORDER BY 1`),
    ["evr_1", "evr_2"].map((evaluation_id) => ({
      evaluation_id,
      json: `{"id":"run_1","added_at":"for ${evaluation_id}"}`,
      ...{ judgments: 1, num_true: 1 },
    })),
  );
  assertEquals(ask("PRAGMA foreign_key_check(runs)").length, 0);
});

Deno.test("words of any script, prefixes and phrases find a Log", async () => {
  await using dir = await tempDir();
  const texts: Texts = {
    english: `"output":"My card was charged twice"`,
    japanese: `"inputs":{"q":"配送先の住所を変更したいです。"}`,
    chinese:
      `"messages":[{"role":"user","content":[{"type":"text","text":"我想退款"}]}]`,
    thai: `"error":"ไม่สามารถจัดส่งได้"`,
    korean: `"metadata":{"a":{"b":["배송지 주소"]}}`,
    russian: `"output":"Где моя посылка"`,
    arabic: `"output":"أين طلبي"`,
    accents: `"output_message":{"content":"Cafe\u0301 größe"}`,
    emoji: `"output":"Sent📦❤\ufe0f today👍🏽"`,
    image:
      `"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,card"}}]}]`,
  };
  const { ask } = await databaseOf(
    dir.path,
    logs(
      ...Object.entries(texts).map(([id, text]) => `{"id":"${id}",${text}}`),
    ),
  );
  const find = (query: string) =>
    ask(
      "SELECT id FROM logs WHERE number IN (SELECT rowid FROM logs_fts WHERE logs_fts MATCH ?)",
      query,
    )
      .map(({ id }) => id);
  const table: ReadonlyArray<readonly [typed: string, ...ids: string[]]> = [
    ["card", "english"],
    ["char*", "english"],
    [`"charged twice"`, "english"],
    [`"twice charged"`],
    ["twice card", "english"],
    ["user"],
    ["住所", "japanese"],
    ["配送先の住所を変更", "japanese"],
    ["変", "japanese"],
    ["退款", "chinese"],
    ["จัดส่ง", "thai"],
    ["배송*", "korean"],
    ["посылка", "russian"],
    ["طلبي", "arabic"],
    ["café", "accents"],
    ["größe", "accents"],
    ["📦", "emoji"],
    ["❤", "emoji"],
    ["❤\ufe0f", "emoji"],
    ["👍 sent", "emoji"],
    [`"📦❤️ today"`, "emoji"],
    ["🎉"],
    ["✈\ufe0f"],
    [`a"b OR c* NEAR( : -x ^`],
  ];
  for (const [typed, ...ids] of table) {
    assertEquals([typed, find(searchQuery(typed)!)], [typed, ids]);
  }
  for (const nothing of ["", "  ", `"`, "()", "*", "\0"]) {
    assertEquals(searchQuery(nothing), null);
  }
  // By hand, without the help of searchQuery.
  for (
    const [query, id] of [["住所", "japanese"], ["退款", "chinese"]] as const
  ) assertEquals(find(query), [id]);
});

Deno.test("a build that is stopped leaves nothing, one that was killed is replaced, two do not meet, and the old one stays until the new one is complete", async () => {
  await using dir = await tempDir();
  await write(
    dir.path,
    logs(...Array.from({ length: 3 }, (_, i) => `{"id":"log_${i}"}`)),
  );
  const path = join(dir.path, "humanloop.db");
  await Deno.writeTextFile(path, "old");
  await Deno.writeTextFile(`${path}.part`, "left by a kill");
  for (const step of ["read", "index", "check"]) {
    const control = new AbortController();
    const reason = new Error("stopped");
    let during: string[] = [];
    await assertRejects(
      () =>
        buildDatabase({
          ...{ disk, dirs: [dir.path], signal: control.signal },
          onProgress: (progress) => {
            if (progress.step !== step) return;
            during = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
            during.sort();
            control.abort(reason);
          },
        }),
      Error,
      "stopped",
    );
    assertEquals(during, ["files", "humanloop.db", "humanloop.db.part"]);
    const names = await Array.fromAsync(Deno.readDir(dir.path));
    assertEquals(names.map(({ name }) => name).sort(), [
      "files",
      "humanloop.db",
    ]);
    assertEquals(await Deno.readTextFile(path), "old");
  }
  let other: Promise<unknown> | null = null;
  await buildDatabase({
    ...{ disk, dirs: [dir.path] },
    onProgress: () => {
      other ??= assertRejects(
        () => buildDatabase({ disk, dirs: [dir.path] }),
        StorageError,
        `cannot write ${path}: another run is making it; wait until it is done`,
      );
    },
  });
  await other;
  const database = openDatabase(path);
  assertEquals(all(database, "SELECT count(*) AS n FROM logs")[0]!["n"], 3);
  assertEquals(await isCurrent(database, { disk, dirs: [dir.path] }), true);
  await Deno.writeTextFile(
    join(dir.path, "files/pr_1/logs/2.jsonl"),
    `{"id":"new"}\n`,
  );
  assertEquals(await isCurrent(database, { disk, dirs: [dir.path] }), false);
  database.close();
});

Deno.test("counts that differ from the export's own are printed and in problems", async () => {
  await using dir = await tempDir();
  const { result, ask } = await databaseOf(dir.path, {
    ...logs(`{"id":"log_1"}`),
    "files/pr_1/.done": `{"logs":true,"counts":{"versions":1,"logs":2}}`,
  });
  assertEquals(
    ask('SELECT kind, "table", value, reason FROM problems'),
    [{
      ...{ kind: "count", table: "logs", value: "pr_1" },
      reason: "holds 1, but the export states 2",
    }],
  );
  const text = buildText(result, 1000);
  assert(text.includes("the export states 2, 1 were read"), text);
});

Deno.test("no number is called the export's where it says none", async () => {
  await using dir = await tempDir();
  const { result } = await databaseOf(dir.path, PROMPT);
  const text = buildText(result, 1);
  assert(!text.includes("as the export states"), text);
  assert(!/ $/m.test(text), text);
});

Deno.test("Files that are not complete in the export are named below the tables", async () => {
  await using dir = await tempDir();
  const { result } = await databaseOf(dir.path, logs('{"id":"log_1"}'));
  const line =
    `INCOMPLETE, because the export is; hl-export verify lists what is missing:
  ${join(dir.path, "files/pr_1")} is not complete\n`;
  assert(buildText(result, 1).endsWith(line), buildText(result, 1));
  assertEquals([result.incompleteFiles, isWhole(result)], [1, false]);
  const { result: whole } = await databaseOf(dir.path, {
    "files/pr_1/.done": "",
  });
  assert(!buildText(whole, 1).includes("INCOMPLETE"));
  assertEquals([whole.incompleteFiles, isWhole(whole)], [0, true]);
});

Deno.test("a Log of 50 MB is stored", async () => {
  await using dir = await tempDir();
  const line = `{"id":"big","output":"${"word ".repeat(10_000_000)}end"}`;
  const { ask } = await databaseOf(dir.path, logs(line));
  assertEquals(
    ask("SELECT length(json) AS n, substr(json, -5) AS z FROM logs"),
    [{ n: line.length, z: `end"}` }],
  );
});

Deno.test("records that SQLite cannot read as JSON stop no query", async () => {
  await using dir = await tempDir();
  const deep = `{"id":"deep","output":${"[".repeat(3000)}${"]".repeat(3000)}}`;
  const { ask } = await databaseOf(
    dir.path,
    logs(deep, `{"id":"b","output":"x"}`),
  );
  assertEquals(ask("SELECT id, output FROM log_details ORDER BY id"), [
    { id: "b", output: "x" },
    { id: "deep", output: null },
  ]);
});

Deno.test("a time outside the safe integers becomes the nearest that a column holds, and the latency is right", async () => {
  await using dir = await tempDir();
  const at = (id: string, time: string, end: string) =>
    JSON.stringify({ id, created_at: time, start_time: time, end_time: end });
  const { ask } = await databaseOf(
    dir.path,
    logs(
      at("log_1", "9999-12-31T23:59:58Z", "9999-12-31T23:59:59.5Z"),
      at("log_2", "0001-01-01T00:00:00Z", "0001-01-01T00:00:02Z"),
      at("log_3", "1969-12-31T23:59:59", "1969-12-31T23:59:59.25"),
    ),
  );
  assertEquals(ask("SELECT id, time, latency FROM logs ORDER BY id"), [
    { id: "log_1", time: Number.MAX_SAFE_INTEGER, latency: 1.5 },
    { id: "log_2", time: Number.MIN_SAFE_INTEGER, latency: 2 },
    { id: "log_3", time: -1_000_000, latency: 0.25 },
  ]);
});

Deno.test("tokens and costs of a Log are columns of its table; what is not a number is null", async () => {
  await using dir = await tempDir();
  const { ask } = await databaseOf(
    dir.path,
    logs(
      `{"id":"a","reasoning_tokens":7,"prompt_cost":0.5,"output_cost":2}`,
      `{"id":"b","reasoning_tokens":"7","prompt_cost":"x","output_cost":[]}`,
    ),
  );
  const columns = "reasoning_tokens, prompt_cost, output_cost, cost";
  const expected = [
    { reasoning_tokens: 7, prompt_cost: 0.5, output_cost: 2, cost: 2.5 },
    {
      ...{ reasoning_tokens: null, prompt_cost: null, output_cost: null },
      cost: null,
    },
  ];
  for (const table of ["logs", "log_details"]) {
    assertEquals(
      ask(`SELECT ${columns} FROM ${table} ORDER BY id`),
      expected,
    );
  }
});

Deno.test("the views answer what people ask", async () => {
  await using dir = await tempDir();
  await exportTo(dir.path, sampleWorkspace());
  const { ask } = await databaseOf(dir.path, {});
  const [stats] = ask(
    "SELECT sum(logs) AS logs, sum(cost) > 0 AS paid FROM version_stats WHERE file_id = ?",
    CLASSIFIER.id,
  );
  const [count] = ask(
    "SELECT count(*) AS logs FROM logs WHERE file_id = ?",
    CLASSIFIER.id,
  );
  assertEquals(stats, { logs: count!["logs"]!, paid: 1 });
  assert(
    ask("SELECT * FROM judgment_stats WHERE run_id IS NOT NULL").length > 0,
  );
  assert(ask("SELECT * FROM traces WHERE file_id = ?", FLOW.id).length > 0);
  assert(ask("SELECT * FROM log_details").length > 0);
});

Deno.test("--help names every table and view", async () => {
  await using dir = await tempDir();
  const { ask } = await databaseOf(dir.path, PROMPT);
  const names = ask(
    `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
    AND name NOT LIKE 'logs_fts_%' AND name NOT LIKE 'sqlite_%'`,
  );
  for (const { name } of names) {
    assert(schemaText().includes(`  ${name}  `), String(name));
  }
});
