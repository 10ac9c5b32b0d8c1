/** DuckDB reads what is made of Datasets: every row, with the texts of the export. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { askDuckDb, withDuckDb } from "../helpers/duckdb.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";
import { datasetTree, writeTexts } from "./tree.ts";

const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;
const jsonl = (path: string) =>
  `SELECT * FROM read_json(${quoted(path)}, format = 'newline_delimited',
    columns = {id: 'VARCHAR', input: 'JSON', messages: 'JSON',
    expected_output: 'JSON', metadata: 'JSON'})`;
const csv = (path: string) =>
  `SELECT * FROM read_csv(${quoted(path)}, header = true, all_varchar = true,
    allow_quoted_nulls = false)`;

/** Writes the Datasets of an export in both formats. */
async function written(from: string, to: string): Promise<void> {
  for (const format of ["jsonl", "csv"]) {
    const args = ["datasets", from, "--to", to, "--format", format, "-q"];
    assertEquals((await run(args)).code, 0);
  }
}

withDuckDb(
  "DuckDB reads the demo's Datasets, from JSONL and from CSV",
  async () => {
    await using dir = await tempDir();
    const from = join(dir.path, "export");
    const workspace = sampleWorkspace();
    await exportTo(from, workspace);
    await written(from, join(dir.path, "out"));
    for (const file of workspace.files) {
      if (file.type !== "dataset") continue;
      const { path } = JSON.parse(file.text);
      for (const [versionId, points] of file.datapoints) {
        const base = join(dir.path, "out", `${path}@${versionId}`);
        const [lines, rows] = await askDuckDb([
          jsonl(`${base}.jsonl`),
          csv(`${base}.csv`),
        ]);
        const expected = Array.from(
          { length: points.length },
          (_, i) => JSON.parse(points.at(i)!),
        );
        assertEquals(
          lines!.map((row) => ({
            id: row["id"],
            inputs: JSON.parse(row["input"]!),
            messages: JSON.parse(row["messages"]!),
            target: JSON.parse(row["expected_output"]!),
          })),
          expected,
        );
        assertEquals(
          rows!.map((row) => ({
            id: row["id"],
            inputs: { ticket: row["ticket"] },
            messages: JSON.parse(row["messages"]!),
            target: JSON.parse(row["expected_output"]!),
          })),
          expected,
        );
        assertEquals(
          lines!.map(({ metadata }) => metadata),
          rows!.map(({ metadata }) => metadata),
        );
      }
    }
  },
);

/** Texts that a table might change, and what stands in its cell. */
const TEXTS = [
  ...["=1", "-1-1", "+a", "@x", "\t=1", "'=1", "-5", 'a "b", c', "a\nb\r\nc"],
  ...["", " x ", "é📦\u2028", '"', "'", ";=1+1", "null", "\\", "a\u0001b"],
];

withDuckDb(
  "DuckDB reads hostile texts as they are; formulas with their apostrophe",
  async () => {
    await using dir = await tempDir();
    const from = join(dir.path, "export");
    const lines = TEXTS.map((x, i) =>
      JSON.stringify({ id: `${i}`, inputs: { x } })
    );
    lines.push(`{"id":"none","inputs":{}}`);
    const versions = { dsv_1: lines };
    await writeTexts(from, datasetTree({ id: "ds_1", path: "t", versions }));
    const out = join(dir.path, "out");
    await written(from, out);
    const [objects, rows] = await askDuckDb([
      jsonl(join(out, "t.jsonl")),
      csv(join(out, "t.csv")),
    ]);
    assertEquals(
      objects!.map(({ input }) => JSON.parse(input!)),
      [...TEXTS.map((x) => ({ x })), {}],
    );
    assertEquals(rows!.map(({ x }) => x!), [
      ...TEXTS.map((text) =>
        /^'*[=+\-@\t]/.test(text) && text !== "-5" ? `'${text}` : text
      ),
      null,
    ]);
  },
);

withDuckDb(
  "the README's question for DuckDB counts the Logs of shards",
  async () => {
    await using dir = await tempDir();
    const workspace = sampleWorkspace();
    await exportTo(join(dir.path, "1", "export"), workspace);
    const readme = await Deno.readTextFile(
      new URL("../../README.md", import.meta.url),
    );
    const [, sql = ""] = /^duckdb -c "(.*)"$/m.exec(readme) ?? [];
    const [rows] = await askDuckDb([
      sql.replace("shards/", `${dir.path}/`),
    ]);
    const logs = workspace.files.reduce(
      (sum, file) => sum + file.logs.length,
      0,
    );
    assertEquals(rows, [{ "count_star()": `${logs}` }]);
  },
);
