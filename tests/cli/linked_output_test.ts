/** Nothing that is made of an export is written into it, also where a symbolic link leads there. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { run } from "../helpers/program.ts";
import { readTree, tempDir } from "../helpers/tree.ts";

Deno.test("nothing is written into an export through a symbolic link", async () => {
  await using dir = await tempDir();
  await using server = serveDemo(sampleWorkspace(), { key: DEMO_KEY });
  const exported = await run(
    ["--quiet", "--api-url", server.url, "--output", join(dir.path, "out")],
    { env: { HUMANLOOP_API_KEY: DEMO_KEY } },
  );
  const root = exported.out.trim();
  assertEquals((await run(["database", root])).code, 0);
  const files = await readTree(root);
  const at = (...names: string[]) => join(dir.path, ...names);
  // The export is named by the one link, and reached by the other.
  await Deno.symlink(root, at("export"));
  await Deno.symlink(join(root, "files"), at("files"));
  for (
    const [args, to] of [
      [["database"], at("files", "all.db")],
      [["browse"], at("files", "all.db")],
      [["otlp"], at("files", "traces.jsonl")],
      [["datasets"], at("files")],
      [["datasets"], at("files", "new", "datasets")],
      [["prompts"], at("files", "prompts")],
      [["prompts", "--format", "promptfoo"], at("files", "prompts")],
    ] as const
  ) {
    for (const named of [root, at("export")]) {
      const { code, err } = await run([...args, named, "--to", to], {
        // It would go on until then.
        onInterrupt: (stop) => {
          if (args[0] === "browse") stop();
          return () => {};
        },
      });
      assertEquals(code, 2, `${args} ${err}`);
      assertStringIncludes(err, `${to} is inside the export`);
    }
  }
  assertEquals(await readTree(root), files);
  // Where a database is by default, it may be named by any path.
  const { code, err } = await run(
    ["database", root, "--to", at("export", "humanloop.db")],
  );
  assertEquals([code, err], [0, ""]);
});
