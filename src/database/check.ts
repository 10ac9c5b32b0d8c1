/** Makes sure that every key is unique, and finds rows that name others that are not there. */
import type { DatabaseSync } from "node:sqlite";
import { isObject } from "../core/text/json.ts";
import type { Loader } from "./load.ts";
import { JUDGMENTS_KEY, LOGS_KEY } from "./schema.ts";
import { all, first } from "./sqlite.ts";

/**
 * Makes the keys of Logs and judgments; of a Log in two lists, the first is
 * kept.
 */
export function makeKeys(loader: Loader): void {
  const { database } = loader;
  if (!tryExec(database, LOGS_KEY)) {
    removeDoubleLogs(loader);
    database.exec(LOGS_KEY);
  }
  if (!tryExec(database, JUDGMENTS_KEY)) {
    database.exec(`DELETE FROM judgments WHERE evaluator_log_id IS NOT NULL AND
      rowid NOT IN (SELECT min(rowid) FROM judgments
        GROUP BY evaluator_log_id, run_id)`);
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

function removeDoubleLogs(loader: Loader): void {
  const { database } = loader;
  database.exec(`CREATE INDEX temporary_id ON logs(id);
    CREATE TEMP TABLE doubles AS SELECT number FROM (
      SELECT number, row_number() OVER (PARTITION BY id ORDER BY number) AS nth
      FROM logs WHERE id IN (SELECT id FROM logs WHERE id IS NOT NULL
        GROUP BY id HAVING count(*) > 1)) WHERE nth > 1;
    INSERT INTO problems(kind, "table", "column", value, rows, reason, export,
      disk_path, disk_line) SELECT 'twice', 'logs', 'id', min(id), count(*),
      'is in another list too; the table has the first', export, disk_path,
      min(disk_line) FROM doubles JOIN logs USING (number)
      GROUP BY export, disk_path`);
  const json = "SELECT json FROM logs WHERE number = ?";
  for (const row of all(database, "SELECT number FROM doubles")) {
    const number = Number(row["number"]);
    const value: unknown = JSON.parse(
      String(first(database, json, [number])!["json"]),
    );
    if (isObject(value)) loader.forgetText(number, value);
  }
  database.exec(`DELETE FROM logs WHERE number IN (SELECT number FROM doubles);
    DELETE FROM nested WHERE log IN (SELECT number FROM doubles);
    DROP TABLE doubles;
    DROP INDEX temporary_id`);
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
