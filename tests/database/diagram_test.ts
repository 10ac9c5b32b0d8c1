/** The diagram of CONTRIBUTING and the tables that are made are the same. */
import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { tablesSql } from "../../src/database/schema.ts";
import { all } from "../../src/database/sqlite.ts";

const GUIDE = new URL("../../.github/CONTRIBUTING.md", import.meta.url);

Deno.test("the diagram of the schema names every table and every foreign key", async () => {
  const guide = await Deno.readTextFile(GUIDE);
  const [, diagram = ""] = /erDiagram\n(.*?)```/s.exec(guide) ?? [];
  const drawn = [...diagram.matchAll(/^ +(\w+) \S+ (\w+) : "?([^"\n]+)"?$/gm)]
    .map(([, parent, child, columns]) => `${parent} ${child} ${columns}`);
  using database = new DatabaseSync(":memory:");
  database.exec(tablesSql({ fullText: true }));
  const tables = all(
    database,
    `SELECT name FROM sqlite_schema WHERE type = 'table'
     AND name NOT LIKE 'logs_fts_%'`,
  ).map(({ name }) => String(name));
  const keys = tables.flatMap((table) => {
    const columns = new Map<string, string[]>();
    for (const row of all(database, `PRAGMA foreign_key_list(${table})`)) {
      const key = `${row["id"]} ${row["table"]} ${table}`;
      columns.set(key, [...columns.get(key) ?? [], String(row["from"])]);
    }
    return [...columns].map(([key, names]) =>
      `${key.replace(/^\d+ /, "")} ${names.join(", ")}`
    );
  });
  // That every table names its export is said beside the diagram.
  const isDrawn = (key: string) => !/^export (?!files|problems)/.test(key);
  assertEquals(
    drawn.toSorted(),
    [...keys.filter(isDrawn), "logs logs_fts rowid"].toSorted(),
  );
  const named = new Set(drawn.flatMap((key) => key.split(" ").slice(0, 2)));
  assertEquals([...named].toSorted(), tables.toSorted());
});
