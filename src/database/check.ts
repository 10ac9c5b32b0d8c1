/** Makes sure that every key is unique, and finds rows that name others that are not there. */
import type { DatabaseSync } from "node:sqlite";
import { isObject } from "../core/text/json.ts";
import { type Loader, TWICE } from "./load.ts";
import { JUDGMENTS_KEY, LOGS_KEY } from "./schema.ts";
import { all, first } from "./sqlite.ts";

/**
 * Makes the keys of Logs and judgments; of a Log that stands in two lists the first is
 * kept. The other keeps its row, without its id, until {@linkcode removeDoubleLogs}: the
 * Logs within it may stand nowhere else.
 */
export function makeKeys(loader: Loader): void {
  const { database } = loader;
  database.exec("CREATE TEMP TABLE doubles(number INTEGER PRIMARY KEY)");
  if (!tryExec(database, LOGS_KEY)) {
    findDoubleLogs(database);
    database.exec(LOGS_KEY);
  }
  if (!tryExec(database, JUDGMENTS_KEY)) {
    database.exec(`DELETE FROM judgments WHERE evaluator_log_id IS NOT NULL AND
      rowid NOT IN (SELECT min(rowid) FROM judgments
        GROUP BY evaluator_log_id, evaluation_id, run_id)`);
    database.exec(JUDGMENTS_KEY);
  }
}

function tryExec(database: DatabaseSync, sql: string): boolean {
  try {
    database.exec(sql);
    return true;
  } catch (error) {
    const isTwice = error instanceof Error &&
      /UNIQUE constraint/.test(error.message);
    if (!isTwice) throw error;
    return false;
  }
}

function findDoubleLogs(database: DatabaseSync): void {
  database.exec("CREATE INDEX temporary_id ON logs(id)");
  addDoubles(database, {
    ...{ table: "logs", column: "id", key: "id" },
    among: `id IN (SELECT id FROM logs WHERE id IS NOT NULL
      GROUP BY id HAVING count(*) > 1)`,
  });
  database.exec(`UPDATE logs SET id = NULL
    WHERE number IN (SELECT number FROM doubles);
    DROP INDEX temporary_id`);
}

/** Rows that say the same as others before them. */
interface Doubles {
  readonly table: string;
  readonly column: string;
  /** What makes a row the same as another. */
  readonly key: string;
  /** The condition of those that are looked at. */
  readonly among: string;
}

/** Collects the doubles of a table, and adds them to the problems. */
function addDoubles(
  database: DatabaseSync,
  { table, column, key, among }: Doubles,
): void {
  database.exec(`INSERT INTO doubles SELECT number FROM (
      SELECT rowid AS number,
      row_number() OVER (PARTITION BY ${key} ORDER BY rowid) AS nth
      FROM ${table} WHERE ${among}) WHERE nth > 1;
    INSERT INTO problems(kind, "table", "column", value, rows, reason, export,
      disk_path, disk_line) SELECT 'twice', '${table}', '${column}',
      min(${column}), count(*), '${TWICE}', export, disk_path, ${
    table === "deployments" ? "NULL" : "min(disk_line)"
  } FROM doubles JOIN ${table} ON ${table}.rowid = doubles.number
      GROUP BY export, disk_path`);
}

/** Condition of rows that belong to what stands in several exports. */
const standsTwice = (column: string, table: string) =>
  `${column} IN (SELECT value FROM problems
    WHERE kind = 'twice' AND "table" = '${table}')`;

const DOUBLES: readonly Doubles[] = [
  {
    ...{ table: "deployments", column: "environment_id" },
    key: "file_id, coalesce(environment_id, environment_name, json)",
    among: standsTwice("file_id", "files"),
  },
  {
    ...{ table: "datapoints", column: "id" },
    key: "file_id, version_id, id, json",
    among: `id IS NOT NULL AND ${standsTwice("file_id", "files")}`,
  },
  {
    ...{ table: "evaluation_logs", column: "log_id" },
    key: "evaluation_id, run_id, log_id",
    among: `log_id IS NOT NULL AND ${
      standsTwice("evaluation_id", "evaluations")
    }`,
  },
];

/** Removes what Files and Evaluations that stand in several exports have in each. */
export function removeDoubles(database: DatabaseSync): void {
  for (const doubles of DOUBLES) {
    database.exec("DELETE FROM doubles");
    addDoubles(database, doubles);
    database.exec(`DELETE FROM ${doubles.table}
      WHERE rowid IN (SELECT number FROM doubles)`);
  }
}

/** Removes the Logs that stand in another list too. */
export function removeDoubleLogs(loader: Loader): void {
  const { database } = loader;
  const json = "SELECT json FROM logs WHERE number = ?";
  for (const row of all(database, "SELECT number FROM doubles")) {
    const number = Number(row["number"]);
    const value: unknown = JSON.parse(
      String(first(database, json, [number])!["json"]),
    );
    if (isObject(value)) loader.forgetText(number, value);
  }
  database.exec(
    "DELETE FROM logs WHERE number IN (SELECT number FROM doubles)",
  );
}

const TABLES = [
  ...["versions", "deployments", "datapoints", "evaluations", "runs"],
  ...["logs", "judgments", "evaluation_logs"],
];

/**
 * Lists the rows that refer to a missing row of another table, by what they
 * refer to.
 */
export function findDangling(database: DatabaseSync): void {
  for (const table of TABLES) {
    const keys = new Map<number, Array<readonly [string, string]>>();
    const parents = new Map<number, string>();
    for (const row of all(database, `PRAGMA foreign_key_list(${table})`)) {
      const id = Number(row["id"]);
      const pair = [String(row["from"]), String(row["to"])] as const;
      keys.set(id, [...keys.get(id) ?? [], pair]);
      parents.set(id, String(row["table"]));
    }
    for (const [id, columns] of keys) {
      const parent = parents.get(id)!;
      if (parent !== "export") addDangling(database, table, parent, columns);
    }
  }
}

function addDangling(
  database: DatabaseSync,
  table: string,
  parent: string,
  columns: ReadonlyArray<readonly [from: string, to: string]>,
): void {
  const own = columns.map(([from]) => from);
  const names = own.join(", ");
  const value = own.join(` || ' ' || `);
  database.prepare(
    `INSERT INTO problems(kind, "table", "column", value, rows, reason)
     SELECT 'dangling', ?, ?, ${value}, rows, ?
     FROM (SELECT ${names}, count(*) AS rows FROM ${table}
       WHERE ${own.map((one) => `${one} IS NOT NULL`).join(" AND ")}
       GROUP BY ${names}) AS child
     WHERE NOT EXISTS (SELECT 1 FROM ${parent} AS parent WHERE ${
      columns.map(([from, to]) => `parent.${to} = child.${from}`)
        .join(" AND ")
    })`,
  ).run(table, names, `the export has no such row of ${parent}`);
}
