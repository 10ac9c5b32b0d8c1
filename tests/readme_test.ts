/** Runs the README's recipes for SQLite and jq in the demo's export. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { denoRuntime } from "../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../src/database/build.ts";
import { sampleWorkspace } from "../src/demo/sample/sample.ts";
import { exportTo } from "./report/export_to.ts";
import { shell, withTool } from "./helpers/shell.ts";
import { tempDir } from "./helpers/tree.ts";

const README = fromFileUrl(new URL("../README.md", import.meta.url));

/** Finds a part of the README's section by a pattern with groups. */
async function inReadme(pattern: RegExp): Promise<readonly string[]> {
  const readme = await Deno.readTextFile(README);
  const [, section = ""] = readme.split("## Looking things up");
  const match = pattern.exec(section);
  assert(match !== null, `the README has nothing like ${pattern}`);
  return match.slice(1);
}

withTool(
  "sqlite3",
  "the README's queries print what it says, in the demo's database",
  async () => {
    await using dir = await tempDir();
    await exportTo(dir.path, sampleWorkspace());
    await buildDatabase({ disk: denoRuntime().disk, dirs: [dir.path] });
    const [script = "", output] = await inReadme(
      /```sh\n(sqlite3 humanloop\.db(?:(?!```).)*)```\n\n```text\n(.*?)```/s,
    );
    assertEquals(await shell(script, dir.path), {
      ...{ code: 0, err: "" },
      out: output,
    });
  },
);

withTool(
  "jq",
  "the README's command for jq lists the demo's Prompts",
  async () => {
    await using dir = await tempDir();
    const workspace = sampleWorkspace();
    await exportTo(dir.path, workspace);
    const [script = ""] = await inReadme(/`(jq [^`]+)`/);
    const { code, err, out } = await shell(script, dir.path);
    const listed = out.trim().split("\n").map((path) => path.split("/").at(-1));
    const prompts = Array.fromAsync(Deno.readDir(join(dir.path, "files")));
    const count = (await prompts).filter(({ name }) => name.startsWith("pr_"));
    assertEquals([code, err, listed.length], [0, "", count.length]);
    assert(listed.includes("Ticket Classifier"), out);
  },
);
