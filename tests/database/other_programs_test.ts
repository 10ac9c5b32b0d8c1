/** The database in the hands of other programs: Debian's sqlite3, and what DuckDB asks for. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { DatabaseSync } from "node:sqlite";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import {
  all,
  openDatabase,
  type SqlRow,
  type SqlValue,
} from "../../src/database/sqlite.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { exportTo } from "../report/export_to.ts";
import { writeTexts } from "../datasets/tree.ts";
import { askDuckDb, withDuckDb } from "../helpers/duckdb.ts";
import { shell, withTool } from "../helpers/shell.ts";
import { tempDir } from "../helpers/tree.ts";

/** Makes the database of the demo's export. */
async function demoDatabase(dir: string): Promise<string> {
  await exportTo(dir, sampleWorkspace());
  const { path } = await buildDatabase({
    ...{ disk: denoRuntime().disk, dirs: [dir] },
  });
  return path;
}

const NAMES = `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
  AND name NOT LIKE 'logs_fts%' AND name NOT LIKE 'sqlite_%' ORDER BY name`;

withTool(
  "sqlite3",
  "the program sqlite3 reads every table and view, searches, and has nothing to complain of",
  async () => {
    await using dir = await tempDir();
    const path = await demoDatabase(dir.path);
    using database = openDatabase(path);
    const queries = [
      "PRAGMA integrity_check",
      "PRAGMA foreign_key_check",
      ...all(database, NAMES).map(({ name }) => `SELECT count(*) FROM ${name}`),
      "SELECT count(*) FROM logs_fts WHERE logs_fts MATCH 'paket'",
      "SELECT hex(json), output, input FROM logs WHERE number = 77",
    ];
    const expected = queries.flatMap((sql) => all(database, sql))
      .map((row) => Object.values(row).join("|") + "\n").join("");
    const script = `sqlite3 humanloop.db "${queries.join("; ")}"`;
    assertEquals(await shell(script, dir.path), {
      ...{ code: 0, err: "" },
      out: expected,
    });
    assert(queries.length > 15, queries.join("\n"));
  },
);

/** What may stand in any field. */
const VALUES = [
  ...["true", "null", "{}", "[1]", '""', '"NaN"', '"a\\u0000b"', '"\\ud83d"'],
  ...["1.5", "-0.0", "1E+400", "9223372036854775808", "9007199254740993"],
  "123456789012345678901234567890",
];
const LOG_FIELDS = [
  ...["id", "prompt", "created_at", "start_time", "end_time", "user", "source"],
  ...["provider_latency", "prompt_tokens", "output_tokens", "prompt_cost"],
  ...["reasoning_tokens", "output_cost", "environment", "error", "parent_id"],
  ...["trace_id", "trace_parent_id", "inputs", "messages", "output", "stdout"],
  ...["output_message", "metadata", "finish_reason", "source_datapoint_id"],
  ...["judgment", "evaluator", "trace_children", "evaluator_logs", "parent"],
];

/** Makes the database of records of which no field is what it should be. */
async function hostileDatabase(dir: string): Promise<string> {
  const judge = (value: string, i: number) =>
    `{"id":"j${i}","evaluator":{"id":${value}},"parent_id":${value},"judgment":${value}}`;
  const lines = (all: readonly string[]) => `${all.join("\n")}\n`;
  const evaluation = "files/pr_1/evaluations/evr_1";
  await writeTexts(dir, {
    "export.json": `{"tool":5,"settings":{"logs":"yes","filters":1E+400}}`,
    "files/pr_1/file.json": `{"id":"pr_1","type":5,"path":["x"],"name":true}`,
    "files/pr_1/deployments.json":
      `[{"version_id":1,"environment_id":true,"environment_tag":{}},7,null]`,
    "files/pr_1/versions/prv_1":
      `{"version_id":"prv_1","version_name":1,"created_by":{"full_name":3}}`,
    "files/pr_1/logs/1.jsonl": lines([
      ...LOG_FIELDS.flatMap((field, i) =>
        VALUES.map((value, j) => `{"id":"log_${i}_${j}","${field}":${value}}`)
      ),
      ...["{}", "NaN", "[1]", `{"id":"nul\0","x":Infinity}`],
    ]),
    "files/ds_1/file.json": `{"id":"ds_1","type":"dataset"}`,
    "files/ds_1/versions/dsv_1": `{"version_id":"dsv_1"}`,
    "files/ds_1/datapoints/dsv_1/1.jsonl": lines(
      VALUES.map((value) =>
        `{"id":${value},"inputs":${value},"messages":${value},"target":${value}}`
      ),
    ),
    "files/ev_1/file.json": `{"id":"ev_1","type":"evaluator"}`,
    "files/ev_1/logs/1.jsonl": lines(VALUES.map(judge)),
    [`${evaluation}/evaluation.json`]: `{"id":1,"name":{},"created_at":[]}`,
    [`${evaluation}/stats.json`]: `{"status":3}`,
    [`${evaluation}/runs/run_1`]:
      `{"id":"run_1","control":"yes","status":1.5,"version":{"id":3}}`,
    [`${evaluation}/logs/1.jsonl`]: lines(
      VALUES.map((value, i) =>
        `{"run_id":${value},"datapoint":{"id":${value}},"log":{"id":${value}},"evaluator_logs":[${value},${
          judge(value, i)
        }]}`
      ),
    ),
  });
  const { path } = await buildDatabase({
    ...{ disk: denoRuntime().disk, dirs: [dir] },
  });
  return path;
}

Deno.test("a column holds only values of its type, as DuckDB requires, even if records hold others", async () => {
  await using demo = await tempDir();
  await using hostile = await tempDir();
  const others: string[] = [];
  for (
    const path of [
      await demoDatabase(demo.path),
      await hostileDatabase(hostile.path),
    ]
  ) {
    using database = openDatabase(path);
    for (const { name: table } of all(database, NAMES)) {
      for (const column of all(database, `PRAGMA table_info(${table})`)) {
        const { name, type } = column;
        if (type === "") continue;
        const found = all(
          database,
          `SELECT DISTINCT typeof("${name}") AS type FROM ${table}
           WHERE "${name}" IS NOT NULL`,
        );
        const strangers = found.map(({ type }) => String(type))
          .filter((one) => one !== String(type).toLowerCase());
        others.push(...strangers.map((one) => `${table}.${name}: ${one}`));
      }
    }
  }
  assertEquals(others, []);
});

Deno.test("every table can be scanned, as DuckDB does to list them", async () => {
  await using dir = await tempDir();
  using database = openDatabase(await hostileDatabase(dir.path));
  const ends = (table: string) =>
    `SELECT min(rowid) AS first, max(rowid) AS last FROM "${table}"`;
  const tables = all(
    database,
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  ).map(({ name }) => String(name));
  const [logs] = all(database, ends("logs"));
  assertEquals(all(database, ends("logs_fts")), [logs!]);
  for (const table of tables) {
    // DuckDB passes over a table that has no rowid.
    if (/^logs_fts_(idx|config)$/.test(table)) continue;
    all(database, ends(table));
  }
  assertEquals(
    all(database, "SELECT DISTINCT output FROM logs_fts").length,
    1,
  );
});

Deno.test("the schema uses nothing that SQLite 3.31 does not know, or it could not open the file", async () => {
  await using dir = await tempDir();
  using database = openDatabase(await hostileDatabase(dir.path));
  const newer = all(database, "SELECT name, sql FROM sqlite_schema")
    .filter(({ sql }) => /->|\b(STRICT|MATERIALIZED)\b/i.test(String(sql)));
  assertEquals(newer, []);
});

/** The views that DuckDB leaves to SQLite, for they read what it does not see. */
const LEFT_TO_SQLITE = ["log_texts", "datapoint_details"];
const TYPES: Readonly<Record<string, string>> = {
  ...{ INTEGER: "BIGINT", REAL: "DOUBLE", TEXT: "VARCHAR" },
};

/** Writes the SQL that makes a table of DuckDB, with all rows of one of SQLite. */
async function copySql(
  database: DatabaseSync,
  table: string,
  dir: string,
): Promise<string> {
  const columns = all(database, `PRAGMA table_info(${table})`)
    .map(({ name, type }) => `"${name}": '${TYPES[String(type)]}'`);
  const path = join(dir, `${table}.jsonl`);
  const rows = all(database, `SELECT * FROM ${table}`)
    .map((row) => `${JSON.stringify(row)}\n`);
  await Deno.writeTextFile(path, rows.join(""));
  return `CREATE TABLE ${table} AS SELECT * FROM read_json('${path}',
    format = 'newline_delimited', columns = {${columns.join(", ")}})`;
}

/** Brings rows into an order and numbers into a form that both programs share. */
function comparable(rows: readonly SqlRow[]): readonly string[] {
  const plain = (value: SqlValue) =>
    value !== null && /^-?\d+(\.\d+)?(e-?\d+)?$/.test(String(value))
      ? Number(value).toPrecision(9)
      : value;
  return rows.map((row) => JSON.stringify(Object.values(row).map(plain)))
    .toSorted();
}

withDuckDb(
  "DuckDB understands every view but two, and finds in it what SQLite finds",
  async () => {
    await using dir = await tempDir();
    using database = openDatabase(await demoDatabase(dir.path));
    const views = all(
      database,
      `SELECT name, sql FROM sqlite_schema WHERE type = 'view'
       AND name NOT LIKE 'logs_fts%' ORDER BY rowid`,
    ).map(({ name, sql }) => ({ name: String(name), sql: String(sql) }));
    const read = views.filter(({ name }) => !LEFT_TO_SQLITE.includes(name));
    const tables = all(database, NAMES).map(({ name }) => String(name))
      .filter((name) => read.every((view) => view.name !== name));
    const copies = [];
    for (const table of tables) {
      copies.push(await copySql(database, table, dir.path));
    }
    const answers = await askDuckDb([
      ...copies,
      ...read.map(({ sql }) => sql),
      ...read.map(({ name }) => `SELECT COLUMNS(*)::VARCHAR FROM ${name}`),
    ]);
    for (const [i, { name }] of read.toReversed().entries()) {
      const expected = all(database, `SELECT * FROM ${name}`);
      assert(expected.length > 0, name);
      assertEquals(
        [name, comparable(answers.at(-1 - i)!)],
        [name, comparable(expected)],
      );
    }
    assertEquals(
      read.map(({ name }) => name),
      ["log_details", "version_stats", "judgment_stats", "traces"],
    );
  },
);
