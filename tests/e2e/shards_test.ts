/** Four machines export a part each; afterwards the four directories are one export. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { all, openDatabase } from "../../src/database/sqlite.ts";
import { expectedTree, readTree, tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";
import { run } from "../helpers/program.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** Finds what the README tells a person to type; `hl-export` is the program. */
async function snippet(): Promise<string> {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const [found] = /^seq 4 \|.*?--to datasets$/ms.exec(readme) ?? [];
  assert(found !== undefined, "the README runs no four shards at once");
  return found;
}

Deno.test({
  name:
    "xargs exports four shards at once; verify, database and datasets take them as one export",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using dir = await tempDir();
    const workspace = sampleWorkspace();
    await using server = serveDemo(workspace, { key: DEMO_KEY });
    const program = join(dir.path, "hl-export");
    const deno = `'${Deno.execPath()}' run --no-check --config '${CONFIG}' -A`;
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\nexec ${deno} '${MAIN}' "$@"\n`,
      { mode: 0o755 },
    );
    const script = (await snippet()).replaceAll("hl-export", program);
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", script],
      cwd: dir.path,
      env: {
        NO_COLOR: "1",
        HUMANLOOP_API_KEY: DEMO_KEY,
        HUMANLOOP_API_URL: server.url,
      },
    }).output();
    const decoder = new TextDecoder();
    const out = decoder.decode(stdout);
    assertEquals([code, decoder.decode(stderr)], [0, ""], out);

    const shards = new Map<string, string>();
    let first = "";
    for (let n = 1; n <= 4; n++) {
      const parent = join(dir.path, "shards", `${n}`);
      const [{ name }] = await Array.fromAsync(Deno.readDir(parent)) as [
        Deno.DirEntry,
      ];
      if (n === 1) first = join(parent, name);
      for (const [path, text] of await readTree(join(parent, name))) {
        if (path === "humanloop.db") continue;
        const isOfAll = path === "directories.json";
        assert(isOfAll || !shards.has(path), `${path} is in two shards`);
        shards.set(path, text);
      }
    }
    const expected = expectedTree(workspace, { logs: true });
    assertEquals([...shards.keys()].sort(), [...expected.keys()].sort());
    for (const [path, text] of expected) {
      assert(shards.get(path) === text, `${path} differs`);
    }

    const whole = join(dir.path, "whole");
    await exportTo(whole, workspace);
    const other = join(dir.path, "other");
    const made = await run(["datasets", whole, "--to", other, "--quiet"]);
    assertEquals(made.code, 0);
    assertEquals(
      [...await readTree(join(dir.path, "datasets"))].sort(),
      [...await readTree(other)].sort(),
    );
    assertEquals(
      rowsOf(join(first, "humanloop.db")),
      rowsOf(join(whole, "humanloop.db")),
    );
  },
});

/** How many rows each table has, and that nothing is a problem. */
function rowsOf(path: string): Readonly<Record<string, unknown>> {
  const database = openDatabase(path);
  try {
    const tables = ["files", "versions", "datapoints", "logs", "judgments"];
    return Object.fromEntries(
      [...tables, "runs", "evaluation_logs", "problems"].map((table) => [
        table,
        all(database, `SELECT count(*) AS n FROM ${table}`)[0]!["n"],
      ]),
    );
  } finally {
    database.close();
  }
}
