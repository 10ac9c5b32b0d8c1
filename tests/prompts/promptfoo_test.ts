import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isObject, parseExactly } from "../../src/core/text/json.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { promptfooPrompt } from "../../src/prompts/promptfoo_prompt.ts";
import { promptfooProvider } from "../../src/prompts/promptfoo_provider.ts";
import { run } from "../helpers/program.ts";
import { evaluate, withPromptfoo } from "../helpers/promptfoo.ts";
import { tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";

/** Where the messages of a Datapoint come in. */
const MORE =
  "{% set hl_more %}{{ messages }}{% endset %}{% set hl_more = hl_more | trim %}" +
  "{% if hl_more.length > 2 %}, {{ hl_more.slice(1, -1) }}{% endif %}";

function fieldsOf(json: unknown): Record<string, unknown> {
  const version = parseExactly(
    typeof json === "string" ? json : JSON.stringify(json),
  );
  assert(isObject(version));
  return version;
}

Deno.test("models, providers and parameters become those of promptfoo, and what has no name there is reported", () => {
  const tool = {
    ...{ name: "f", description: "d", strict: null },
    parameters: { type: "object" },
  };
  const all = {
    ...{ model: "m", temperature: 0.5, max_tokens: 9, top_p: 1, stop: "END" },
    ...{ seed: 7, tools: [tool], other: { top_k: 5 } },
    response_format: { type: "json_object", json_schema: null },
  };
  const cases: ReadonlyArray<
    readonly [object, string, object, readonly string[]]
  > = [
    [{ ...all, provider: "openai" }, "openai:chat:m", {
      ...{ temperature: 0.5, max_tokens: 9, top_p: 1, stop: ["END"], seed: 7 },
      response_format: { type: "json_object" },
      tools: [{
        type: "function",
        function: {
          ...{ name: "f", description: "d" },
          parameters: { type: "object" },
        },
      }],
      passthrough: { top_k: 5 },
    }, []],
    [{ ...all, provider: "anthropic" }, "anthropic:messages:m", {
      ...{ temperature: 0.5, max_tokens: 9, top_p: 1 },
      tools: [{
        ...{ name: "f", description: "d" },
        input_schema: { type: "object" },
      }],
      extra_body: { top_k: 5 },
    }, [
      "stop, which anthropic has no mapping for",
      "seed, which anthropic has no mapping for",
      "response_format, which anthropic has no mapping for",
    ]],
    [{ model: "m", provider: "google", max_tokens: 9, stop: "a" }, "google:m", {
      generationConfig: { maxOutputTokens: 9, stopSequences: ["a"] },
    }, []],
    [
      { model: "m", provider: "openai_azure", max_tokens: -1, stop: null },
      "azure:chat:m",
      {},
      [],
    ],
    [
      { model: "m", provider: "openai", endpoint: "complete" },
      "openai:completion:m",
      {},
      [],
    ],
    [{ model: "m", provider: "groq", endpoint: "complete" }, "groq:m", {}, [
      'the endpoint "complete" of groq',
    ]],
    [{ model: "m", provider: "mock" }, "echo", {}, []],
    [{ model: "m" }, "openai:chat:m", {}, [
      "its provider, which is not in the export: openai is assumed",
    ]],
    [{ model: "m", provider: "own", linked_tools: [{}] }, "own:m", {}, [
      'the provider "own", which has no mapping',
      "linked_tools, which promptfoo cannot run",
    ]],
    [
      {
        ...{ model: "m", provider: "cohere", max_tokens: "{{env.KEY}}" },
        template: [{ role: "tool", content: "a" }],
      },
      "cohere:m",
      { max_tokens: "{{env.KEY}}" },
      [
        "parameters with {{ or the like, which promptfoo may render",
        "images or calls in the form of OpenAI, which cohere may refuse",
      ],
    ],
  ];
  for (const [version, id, config, reasons] of cases) {
    const inexact: string[] = [];
    const provider = promptfooProvider(
      fieldsOf(version),
      (reason) => void inexact.push(reason),
    );
    assertEquals(JSON.parse(JSON.stringify(provider)), { id, config });
    assertEquals(inexact, reasons);
  }
});

Deno.test("a variable that Nunjucks has no name for is text, and is reported, as jinja is", () => {
  const text = promptfooPrompt(
    fieldsOf({ endpoint: "complete", template: "{{a}} {{b c}} {{{d}}} {%" }),
    "prv_1",
  );
  assertEquals(text, {
    text: `{# prv_1 #}{{a}} {{ "{" }}{b c}} {{ "{" }}{{d}}} {{ "{" }}%`,
    inexact: ['"{{b c}}", which is not a variable in Nunjucks'],
  });
  const template = "{% if a\n%}{{ b }}{% endif %}";
  const jinja = { endpoint: "complete", template_language: "jinja", template };
  assertEquals(promptfooPrompt(fieldsOf(jinja), "prv_1"), {
    text: "{# prv_1 #}{% set env = none %}{% if a %}{{ b }}{% endif %}",
    inexact: ["a template in jinja, most of which Nunjucks reads alike"],
  });
});

Deno.test("the end of a comment that has no beginning, and a brace at the end, are text", () => {
  const template = [{ role: "user", content: "{{a}} #} {" }];
  const alone = [{ role: "user", content: "#}" }];
  const { text } = promptfooPrompt(fieldsOf({ template: alone }), "prv_1");
  assertStringIncludes(text, `#{{ "}" }}{% endset %}`);
  assertEquals(promptfooPrompt(fieldsOf({ template }), "prv_1"), {
    text: `{# prv_1 #}{% set hl_text_1 %}{{a}} #{{ "}" }} {{ "{" }}{% endset %}[
  { "role": "user", "content": {{ hl_text_1 | dump }} }${MORE}
]
`,
    inexact: [],
  });
});

Deno.test("half of a character, which no file holds, is reported", async () => {
  await using dir = await tempDir();
  const { directories, files } = sampleWorkspace();
  const [prompt] = files;
  const versions = prompt!.versions.map(({ id, text }) => ({
    ...{ id, text: text.replaceAll("{{ticket}}", "\\ud83d {{ticket}}") },
  }));
  const file = {
    ...prompt!,
    versions,
    logs: [],
    bareLogs: [],
    evaluations: [],
  };
  const { document } = await configure(dir.path, {
    directories,
    files: [file],
  });
  assertEquals(
    document.inexact.map(({ reasons }: { reasons: unknown }) => reasons),
    [1, 2].map(() => ["a broken character (half a surrogate pair)"]),
  );
});

/** Exports a workspace, and makes configurations of it. */
async function configure(
  dir: string,
  workspace: Parameters<typeof exportTo>[1],
) {
  await exportTo(join(dir, "export"), workspace);
  const to = join(dir, "out");
  const args = ["prompts", join(dir, "export"), "--to", to, "--json"];
  const { code, out } = await run([...args, "--format", "promptfoo"]);
  return { to, code, document: JSON.parse(out) };
}

Deno.test("each deployed Prompt has a configuration, with its Versions and the Datasets that go with it", async () => {
  await using dir = await tempDir();
  const { to, code, document } = await configure(dir.path, sampleWorkspace());
  assertEquals([code, document.unread, document.inexact], [0, [], []]);
  const base = "prompts/Support/Triage/Ticket Classifier";
  const golden = "datasets/Support/Golden tickets.promptfoo.jsonl";
  assertEquals(
    document.configurations.find(({ file }: { file: string }) =>
      file.startsWith(base)
    ),
    {
      file: `${base}.promptfooconfig.yaml`,
      prompts: [`${base}.j2`, `${base}@staging.j2`],
      tests: [golden],
    },
  );
  assertEquals(
    await Deno.readTextFile(join(to, `${base}.promptfooconfig.yaml`)),
    `description: "Support/Triage/Ticket Classifier"
prompts:
  - id: "file://Ticket Classifier.j2"
    label: "Support/Triage/Ticket Classifier (production)"
  - id: "file://Ticket Classifier@staging.j2"
    label: "Support/Triage/Ticket Classifier (staging)"
providers:
  - id: "openai:chat:gpt-4o"
    label: "Support/Triage/Ticket Classifier (production)"
    prompts:
      - "Support/Triage/Ticket Classifier (production)"
    config:
      temperature: 1.0e-1
      top_p: 1.0
      presence_penalty: 0.0
      frequency_penalty: -0.0
      response_format:
        type: json_object
  - id: "openai:chat:gpt-4o"
    label: "Support/Triage/Ticket Classifier (staging)"
    prompts:
      - "Support/Triage/Ticket Classifier (staging)"
    config:
      temperature: 0.20
      top_p: 1.0
      presence_penalty: 0.0
      frequency_penalty: -0.0
      response_format:
        type: json_object
tests:
  - "file://../../../datasets/Support/Golden tickets.promptfoo.jsonl"
`,
  );
  for (
    const note of [
      "Support/Refund agent is left out: it is an Agent, which promptfoo cannot run",
      "Draft is left out: it is not deployed",
    ]
  ) assert(document.notes.includes(note), note);
});

withPromptfoo(
  "promptfoo runs the deployed Prompts of the demo over their Datasets",
  async () => {
    await using dir = await tempDir();
    const { directories, files } = sampleWorkspace();
    const [prompt] = files;
    const dataset = files.find(({ text }) => text.includes("Smoke test"))!;
    const messy = 'Be {brief}: {% if %} {# c #} {{{ticket}}} "q"\n#} {{b c}}';
    const isSystem = /"role":\s*"system"[^}]*"content":\s*"[^"]*"/;
    const workspace = {
      directories,
      files: [
        {
          ...prompt!,
          logs: [],
          bareLogs: [],
          versions: prompt!.versions.map(({ id, text }) => ({
            id,
            text: text.replace(
              isSystem,
              () => `"role":"system","content":${JSON.stringify(messy)}`,
            ).replace(
              /"path":\s*"[^"]*"/,
              () => `"path":"a[b]/(c) {d}"`,
            ),
          })),
          text: prompt!.text.replace(
            /"path":\s*"[^"]*"/,
            () => `"path":"a[b]/(c) {d}"`,
          ),
          evaluations: [],
        },
        dataset,
      ],
    };
    const { to, document } = await configure(dir.path, workspace);
    const [{ file, tests }] = document.configurations;
    assertEquals(file, "prompts/a%5Bb%5D/%28c%29 %7Bd%7D.promptfooconfig.yaml");
    assertEquals(tests.length, 1);
    const path = join(to, file);
    const config = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      config.replace(/id: "?openai.*/g, "id: echo"),
    );
    const results = await evaluate(to, file);
    const wanted = (ticket: string) => messy.replace("{{ticket}}", ticket);
    assert(results.length > 0);
    for (const { error, response, vars, prompt, provider } of results) {
      assert(response, error);
      const messages = JSON.parse(response.output);
      assertEquals(provider.label, prompt.label);
      assertEquals(messages[0].content, wanted(vars["ticket"]!));
      const own = messages.slice(-JSON.parse(vars["messages"]!).length);
      assertEquals(own, JSON.parse(vars["messages"]!));
    }
  },
);
