/** promptfoo itself reads the tests that are made of Datasets. */
import { assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { run } from "../helpers/program.ts";
import {
  evaluate,
  type Evaluated,
  withPromptfoo,
} from "../helpers/promptfoo.ts";
import { tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";
import { datasetTree, writeTexts } from "./tree.ts";

/** Evaluates tests with a provider that answers with the prompt. */
async function evaluateTests(
  tests: string,
  prompts: readonly string[],
): Promise<readonly Evaluated[]> {
  const dir = dirname(tests);
  const config = {
    ...{ prompts, providers: ["echo"], tests: [`file://${tests}`] },
    evaluateOptions: { maxConcurrency: 1 },
  };
  await Deno.writeTextFile(join(dir, "c.json"), JSON.stringify(config));
  return await evaluate(dir, "c.json");
}

/** Texts that promptfoo would render, load or cut if they stood there as they are. */
const TEXTS = [
  ...[
    "Hi",
    "-0.10",
    "",
    "}} %} \\ $HOME",
    "a #} b",
    "{# c #}",
    "{{ q",
    "{% if",
  ],
  ...["{{ env.HOME }} {% raw %}", "{% endraw %}\\ \" \t\r\n}} {{ '}}' }} \\n"],
  ...["file:///etc/hostname", "package:x", "line\n", '{"a":[1.50,"é📦"]}'],
  ...["{{ f }}", "[1]", "null", "a,b", "  x  "],
];

withPromptfoo(
  "promptfoo runs a test for each Datapoint, on the very text of its inputs",
  async () => {
    await using dir = await tempDir();
    const lines = TEXTS.map((q, i) =>
      JSON.stringify({
        id: `${i}`,
        inputs: { q, f: "file:///etc/hostname", $ref: "file:///etc/hostname" },
        target: i % 2 ? { label: q } : { output: q, n: 1 },
      })
    );
    const from = join(dir.path, "export");
    const versions = { dsv_1: lines };
    const tree = datasetTree({ id: "ds_1", path: "t", versions });
    await writeTexts(from, tree);
    const to = join(dir.path, "out");
    const args = ["datasets", from, "--to", to, "--format", "promptfoo", "-q"];
    assertEquals((await run(args)).code, 0);
    const results = await evaluateTests(join(to, "t.promptfoo.jsonl"), [
      "{{q}}",
      `[{"role":"user","content":"{{q}}"}]`,
    ]);
    const plain = results.filter(({ promptIdx }) => promptIdx === 0);
    const inJson = results.filter(({ promptIdx }) => promptIdx === 1);
    assertEquals(
      plain.map(({ success, error, response }) =>
        success ? response!.output : error
      ),
      TEXTS,
    );
    assertEquals(
      inJson.map(({ response }) => JSON.parse(response!.output)[0].content),
      TEXTS,
    );
    assertEquals(
      plain.map(({ testCase: { metadata: { id, expected_output } } }) => [
        id,
        JSON.parse(expected_output!),
      ]),
      lines.map((line) => JSON.parse(line))
        .map(({ id, target }) => [id, target]),
    );
  },
);

withPromptfoo(
  "promptfoo runs the demo's tests, with the messages as JSON",
  async () => {
    await using dir = await tempDir();
    const from = join(dir.path, "export");
    await exportTo(from, sampleWorkspace());
    const to = join(dir.path, "out");
    const args = ["datasets", from, "--to", to, "--format", "promptfoo", "-q"];
    assertEquals((await run(args)).code, 0);
    const results = await evaluateTests(
      join(to, "Shared/Smoke test.promptfoo.jsonl"),
      ["{{ticket}}|{% for m in messages | load %}{{m.content}}{% endfor %}"],
    );
    assertEquals(
      results.map(({ success, response }) => [success, response!.output]),
      Array.from({ length: 12 }, (_, i) => [
        true,
        `Ticket no. ${i}: ¿dónde está mi pedido?|Ticket no. ${i}`,
      ]),
    );
  },
);
