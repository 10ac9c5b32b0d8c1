/** No command that reads an export calls complete what an incomplete one has become. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";

Deno.test("every command that reads an export says what the export itself lacks, with exit 3", async () => {
  await using dir = await tempDir();
  const output = join(dir.path, "exports");
  const root = (await run(["demo", "--quiet", "--output", output])).out.trim();
  const path = join(root, "export.json");
  const whole = JSON.parse(await Deno.readTextFile(path));
  const at = (name: string) => join(dir.path, name);
  const commands = [
    ["index"],
    ["database"],
    ["otlp", "--to", at("traces.jsonl")],
    ["datasets", "--to", at("datasets")],
    ["prompts", "--to", at("prompts")],
    ["prompts", "--format", "promptfoo", "--to", at("promptfoo")],
  ];
  const notListed = {
    ...{ fileId: null, part: "files", reason: "HTTP 500" },
    ...{ offset: 100, missing: 3 },
  };
  for (
    const [changed, said] of [
      [{}, null],
      [{ state: "interrupted" }, `${root} is not complete: `],
      [
        { state: "incomplete", gaps: [notListed] },
        "files (3 records from number 101): HTTP 500",
      ],
    ] as const
  ) {
    await Deno.writeTextFile(path, JSON.stringify({ ...whole, ...changed }));
    for (const [command = "", ...more] of commands) {
      const { code, out, err } = await run([command, root, "--quiet", ...more]);
      assertEquals(code, said === null ? 0 : 3, `${command} ${out}${err}`);
      assertStringIncludes(out + err, said ?? "", command);
    }
  }
});
