/** No command that reads an export calls complete what an incomplete one has become. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { answer } from "../../src/browse/serve.ts";
import { Site } from "../../src/browse/site.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { CLASSIFIER } from "../../src/demo/sample/sample.ts";
import { fewLogs } from "../otlp/few_logs.ts";
import { exportTo } from "../report/export_to.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";

Deno.test("every command that reads an export says what the export itself lacks, with exit 3", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "export");
  await exportTo(root, fewLogs());
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

Deno.test("browse says that an interrupted export is not complete, even if it has no gaps", async () => {
  await using dir = await tempDir();
  await exportTo(dir.path, fewLogs());
  const path = join(dir.path, "export.json");
  const whole = JSON.parse(await Deno.readTextFile(path));
  for (
    const [state, isComplete] of [["complete", true], ["interrupted", false]]
  ) {
    await Deno.writeTextFile(path, JSON.stringify({ ...whole, state }));
    await run(["database", dir.path, "--quiet"]);
    const page = await overviewOf(join(dir.path, "humanloop.db"));
    assertEquals(page.includes("This export is not complete"), !isComplete);
  }
});

/** The overview of `browse`. */
async function overviewOf(path: string): Promise<string> {
  const database = openDatabase(path);
  try {
    const request = new Request("http://127.0.0.1/");
    return await answer(new Site(database), request, "127.0.0.1").text();
  } finally {
    database.close();
  }
}

Deno.test("consecutive gaps with one reason are one line, wherever they are listed", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "export");
  await exportTo(root, fewLogs());
  const path = join(root, "export.json");
  const whole = JSON.parse(await Deno.readTextFile(path));
  const { id } = CLASSIFIER;
  const gaps = [[null, "files"], [id, "logs"]].flatMap(([fileId, part]) =>
    Array.from({ length: 50 }, (_, i) => (
      { fileId, part, reason: "HTTP 500", offset: 100 + i, missing: 1 }
    ))
  );
  const files = {
    ...whole.files,
    [id]: { ...whole.files[id], state: "incomplete" },
  };
  const changed = { ...whole, state: "incomplete", gaps, files };
  await Deno.writeTextFile(path, JSON.stringify(changed));
  await Deno.remove(join(root, "files", id, ".done"));
  const joined = "(50 records from number 101): HTTP 500";
  const timesIn = (text: string) => text.split("HTTP 500").length - 1;
  const expectOnce = (text: string, label: string, times = 1) =>
    assertEquals([text.split(joined).length - 1, timesIn(text)], [
      ...[times, times],
    ], label);
  const to = (name: string) => ["--to", join(dir.path, name)];
  for (
    const [command = "", ...more] of [
      ["index"],
      ["database"],
      ["otlp", ...to("traces.jsonl")],
      ["datasets", ...to("datasets")],
      ["prompts", ...to("prompts")],
    ]
  ) {
    const { code, out, err } = await run([command, root, ...more]);
    assertEquals(code, 3, command);
    expectOnce(out + err, command);
  }
  const page = (name: string) => Deno.readTextFile(join(root, name));
  expectOnce(await page("index.html"), "the overview", 2);
  expectOnce(await page(`files/${id}/index.html`), "the page of a File");
  expectOnce(await overviewOf(join(root, "humanloop.db")), "browse", 2);
});
