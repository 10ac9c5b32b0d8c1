/** The database in the hands of other programs: Debian's sqlite3, and what DuckDB asks for. */
import { assert, assertEquals } from "@std/assert";
import { denoRuntime } from "../../src/core/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { all, openDatabase } from "../../src/database/sqlite.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { exportTo } from "../report/export_to.ts";
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

Deno.test("a column holds nothing but its type, which DuckDB asks for", async () => {
  await using dir = await tempDir();
  using database = openDatabase(await demoDatabase(dir.path));
  const others: string[] = [];
  for (const { name: table } of all(database, NAMES)) {
    for (const column of all(database, `PRAGMA table_info(${table})`)) {
      const { name, type } = column;
      if (type === "") continue;
      const found = all(
        database,
        `SELECT DISTINCT lower(typeof("${name}")) AS type FROM ${table}
         WHERE "${name}" IS NOT NULL`,
      ).map(({ type }) => String(type));
      const strangers = found.filter((one) =>
        one !== String(type).toLowerCase()
      );
      others.push(...strangers.map((one) => `${table}.${name}: ${one}`));
    }
  }
  assertEquals(others, []);
});
