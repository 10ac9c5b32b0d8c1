/** Runs the README's recipes for jq and SQLite in the demo's export. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { sampleWorkspace } from "../src/demo/sample/sample.ts";
import { exportTo } from "./report/export_to.ts";
import { tempDir } from "./helpers/tree.ts";

const README = fromFileUrl(new URL("../README.md", import.meta.url));

async function shell(script: string, cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd,
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Finds a recipe and what it prints, by a word that only its script holds. */
function recipe(readme: string, word: string) {
  const [, section = ""] = readme.split("## With other tools");
  const blocks = [
    ...section.matchAll(/```sh\n((?:(?!```).)*)```\n\n```text\n(.*?)```/gs),
  ].map(([, script = "", output = ""]) => ({ script, output }));
  const block = blocks.find(({ script }) => script.includes(word));
  assert(block !== undefined, `the README has no recipe with ${word}`);
  return block;
}

const RECIPES = [
  ["jq -r", "jq --version", /^jq-1\.[6-9]/],
  ["sqlite3 <<", "sqlite3 --version", /^3\.(3[89]|[4-9]\d)/],
] as const;

for (const [word, ask, wanted] of RECIPES) {
  const { out } = await shell(ask, ".");
  const isThere = wanted.test(out);
  const skipped = `SKIPPED, FOR ${ask} IS NOT WHAT IT ASKS FOR: `;
  const name = `the README's recipe with ${word} prints what it says`;
  Deno.test({
    name: isThere ? name : skipped + name,
    ignore: !isThere,
    fn: async () => {
      await using dir = await tempDir();
      const exportDir = join(dir.path, "export");
      await exportTo(exportDir, sampleWorkspace());
      const { script, output } = recipe(
        await Deno.readTextFile(README),
        word,
      );
      const { code, out, err } = await shell(script, exportDir);
      assertEquals([code, err], [0, ""]);
      // The README has no spaces at the end of a line.
      assertEquals(out.replace(/ +$/gm, ""), output);
    },
  });
}
