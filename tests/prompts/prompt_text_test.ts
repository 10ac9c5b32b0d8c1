import { assert, assertEquals } from "@std/assert";
import { isEmpty, isObject, parseExactly } from "../../src/core/text/json.ts";
import { promptText } from "../../src/prompts/prompt_text.ts";
import { writePrompts } from "../../src/prompts/write_prompts.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { Dice } from "../simulate/dice.ts";
import {
  integers,
  type ParsedPrompt,
  parsePrompt,
  readTemplate,
  splitPrompt,
} from "./parse_prompt.ts";
import { askPackages, hasPackages, skipped } from "./read_with_npm.ts";

const PARAMETERS = [
  ...["model", "temperature", "max_tokens", "top_p", "presence_penalty"],
  ...["frequency_penalty", "stop", "seed", "response_format", "other"],
  ...["reasoning_effort", "provider", "endpoint", "template_language"],
  ...["max_iterations", "attributes", "linked_tools", "tools"],
];

function textOf(json: string) {
  const version = parseExactly(json);
  assert(isObject(version), json);
  return promptText(version);
}

/** Returns what a Version says, where leaving a field out, null and empty are one. */
function meaningOf(json: string): ParsedPrompt {
  const version = JSON.parse(json, integers);
  const { endpoint, template } = version;
  const isChat = (endpoint ?? "chat") === "chat";
  return {
    parameters: Object.fromEntries(
      PARAMETERS.filter((name) => isSet(name, version[name])).map((name) => [
        name,
        name === "tools" ? version[name].map(withoutFile) : version[name],
      ]),
    ),
    template: isChat
      ? (template ?? []).map((message: Record<string, unknown>) => ({
        ...Object.fromEntries(
          Object.entries(message).filter(([, value]) => !isEmpty(value)),
        ),
        content: isEmpty(message["content"])
          ? isEmpty(message["tool_calls"]) ? "" : null
          : message["content"],
      }))
      : template ?? "",
  };
}

function isSet(name: string, value: unknown): boolean {
  if (name === "template_language" && value === "default") return false;
  return value === "" || !isEmpty(value);
}

function withoutFile(tool: Record<string, unknown>): object {
  const { file: _, ...rest } = tool;
  return tool["type"] === "file" ? rest : tool;
}

function assertReadsBack(json: string, text: string): void {
  assertEquals(parsePrompt(text), meaningOf(json), text);
}

/** Reads texts by both versions of YAML. */
async function assertYamlReadsBack(jsons: readonly string[]): Promise<void> {
  const texts = jsons.map((json) => splitPrompt(textOf(json).text));
  const asked = (["1.1", "1.2"] as const).flatMap((version) =>
    texts.map(([text]) => ({ text, version }))
  );
  const { yaml } = await askPackages({ yaml: asked });
  assertEquals(yaml.length, asked.length);
  for (const [i, value] of yaml.entries()) {
    const parameters = isObject(value) ? value : {};
    const [, body] = texts[i % texts.length]!;
    const template = readTemplate(body, parameters);
    const json = jsons[i % jsons.length]!;
    assertEquals({ parameters, template }, meaningOf(json), json);
  }
}

Deno.test("a Version of messages is written as Humanloop's reference shows it", () => {
  const json = JSON.stringify({
    ...{ path: "weather", version_id: "prv_1", created_at: "2025-01-01" },
    ...{ tools: [{ name: "get_current_weather", parameters: {} }] },
    ...{
      endpoint: "chat",
      provider: "openai",
      max_tokens: 256,
      model: "gpt-4",
    },
    ...{ stop: null, other: {}, template_language: "default" },
    template: [
      {
        role: "system",
        content: "You are a friendly assistant.\n\n  Be brief.",
      },
      {
        role: "user",
        content: [
          { type: "text", text: "What is in this image of {{city}}?" },
          { type: "image_url", image_url: { url: "https://x.test/a.png?b&c" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{
          id: "call_1",
          type: "function",
          function: {
            name: "get_current_weather",
            arguments: '{\n  "location": "SF"\n}',
          },
        }],
      },
      {
        ...{
          role: "tool",
          name: "get_current_weather",
          tool_call_id: "call_1",
        },
        content: "Cloudy with a chance of meatballs.",
      },
    ],
  });
  const { text, inexact } = textOf(json);
  assertEquals(inexact, []);
  assertEquals(
    text,
    `---
model: gpt-4
max_tokens: 256
provider: openai
endpoint: chat
tools: [
  {
    "name": "get_current_weather",
    "parameters": {}
  }
]
---
<system>
  You are a friendly assistant.

    Be brief.
</system>

<user>
  <text>
    What is in this image of {{city}}?
  </text>
  <image url="https://x.test/a.png?b&c" />
</user>

<assistant>
  <tool name="get_current_weather" id="call_1">
    {
      "location": "SF"
    }
  </tool>
</assistant>

<tool name="get_current_weather" id="call_1">
  Cloudy with a chance of meatballs.
</tool>
`,
  );
  assertReadsBack(json, text);
});

Deno.test("text of the endpoint complete follows the front matter as it is", () => {
  const json = JSON.stringify({
    ...{ model: "claude-2", endpoint: "complete" },
    template: "  Context: {{context}}\n\n</user>\n{{sentence}}",
  });
  const { text, inexact } = textOf(json);
  assertEquals(inexact, []);
  assertEquals(
    text,
    "---\nmodel: claude-2\nendpoint: complete\n---\n" +
      "  Context: {{context}}\n\n</user>\n{{sentence}}",
  );
  assertReadsBack(json, text);
});

Deno.test("an Agent has max_iterations, and on_agent_call in each tool, but not the Files that its links lead to", () => {
  const link = { file_id: "tl_1", environment_id: null, version_id: "tv_1" };
  const json = JSON.stringify({
    ...{ model: "gpt-4o", max_iterations: 6, reasoning_effort: 2048 },
    tools: [
      { type: "file", link, on_agent_call: "continue", file: { id: "tl_1" } },
      { type: "inline", json_schema: { name: "stop" }, on_agent_call: "stop" },
    ],
    template: [{ role: "developer", content: "Handle refunds." }],
  });
  const { text, inexact } = textOf(json);
  assertEquals(inexact, []);
  assertEquals(
    text,
    `---
model: gpt-4o
reasoning_effort: 2048
max_iterations: 6
tools: [
  {
    "type": "file",
    "link": {
      "file_id": "tl_1",
      "environment_id": null,
      "version_id": "tv_1"
    },
    "on_agent_call": "continue"
  },
  {
    "type": "inline",
    "json_schema": {
      "name": "stop"
    },
    "on_agent_call": "stop"
  }
]
---
<developer>
  Handle refunds.
</developer>
`,
  );
  assertReadsBack(json, text);
});

Deno.test("Humanloop's own text of a Version is written as it is", () => {
  const own = "---\nmodel: x\n---\n\n<system>\nown\n</system>";
  const json = JSON.stringify({ model: "y", raw_file_content: own });
  assertEquals(textOf(json), { text: own, inexact: [] });
});

const VALUES = [
  ...["true", "No", "on", "y", "null", "~", "", " a ", "12", "1e3", "0x1F"],
  ...["2025-01-01", "12:30:00", ".5", "-", "- a", "a: b", "a #b", "#a", "&a"],
  ...["*a", "!a", "%a", "@a", "`a", "'a'", '"a"', "{a}", "[a]", "a,b", "|"],
  ...[">", "?", "a\nb", "a\tb", "\r\n", "\u0000\u0007", "\u007f\u0085\u009f"],
  ...["\u2028\u2029", "\ufeff", "é", "配送 🙂", "ft:gpt-4o:org::id", "---"],
  ...[
    "gpt-4o",
    "infinity",
    "NaN",
    "a/b.c",
    "<<",
    "=",
    "a\\b",
    "e5",
    "E-5",
    "1_000",
  ],
].map((value) => JSON.stringify({ model: value, stop: [value] }));
const NUMBERS = `{"temperature": 0.10, "seed": 12345678901234567890,
  "top_p": 1e-5, "presence_penalty": -0.0, "frequency_penalty": 1E3,
  "other": {"a": 1.5e300, "b": "1e5", "c": [2e-7]}}`;

Deno.test("numbers keep their digits, and have the point and the sign that YAML 1.1 needs", () => {
  const { text } = textOf(NUMBERS);
  assertEquals(
    text,
    `---
temperature: 0.10
top_p: 1.0e-5
presence_penalty: -0.0
frequency_penalty: 1.0e+3
seed: 12345678901234567890
other: {
  "a": 1.5e+300,
  "b": "1e5",
  "c": [
    2.0e-7
  ]
}
---
`,
  );
  assertReadsBack(NUMBERS, text);
});

Deno.test({
  name: skipped + "YAML 1.1 and 1.2 read back values of all kinds",
  ignore: !hasPackages,
  fn: () => assertYamlReadsBack([...VALUES, NUMBERS]),
});

Deno.test("what the format cannot express is reported", () => {
  const call = { name: "f", arguments: "{}" };
  const cases: ReadonlyArray<readonly [object, readonly string[]]> = [
    [{ color: "red" }, ['the field "color"']],
    [{ template: "Once" }, [
      "a template of text, though the endpoint chat takes messages",
    ]],
    [{ endpoint: "complete", template: [{ role: "user", content: "a" }] }, [
      'messages, though the endpoint "complete" takes text',
    ]],
    ...([
      [{ role: "robot", content: "a" }, [
        "it has a role that Humanloop does not know, and is left out",
      ]],
      ["text", ["it has a role that Humanloop does not know, and is left out"]],
      [{ role: "user", name: "ann", content: "a" }, ['the field "name"']],
      [{ role: "user", content: "a </user>" }, [
        "text with </user, which may be read as a tag",
      ]],
      [{ role: "system", content: "<image url='x'>" }, [
        "text with <image, which may be read as a tag",
      ]],
      [{ role: "system", content: "<user_query> a < b <texts>" }, []],
      [{ role: "assistant", content: "a", thinking: [{ thinking: "b" }] }, [
        'the field "thinking"',
      ]],
      [{
        role: "assistant",
        content: "a",
        tool_calls: [{ id: "1", type: "function", function: call }],
      }, ["text and calls, which become two messages"]],
      [{
        role: "assistant",
        tool_calls: [{ id: "1", type: "custom", custom: {} }],
      }, ["a call that is not a function call, and is left out"]],
      [{
        role: "assistant",
        tool_calls: [{ id: 'a"b', type: "function", function: call }],
      }, ['the attribute id, "a\\"b", which is left out']],
      [{
        role: "user",
        content: [{ type: "image_url", image_url: { url: "data:image/png," } }],
      }, ["part 1: an image without an https address, which is left out"]],
      [{
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "https://a", detail: "low" } },
        ],
      }, ['part 1: the field "detail" of an image']],
      [{
        role: "user",
        content: [{ type: "input_audio", input_audio: { data: "AA" } }],
      }, [
        'part 1: the field "input_audio"',
        "part 1: it is neither text nor an image, and is left out",
      ]],
    ] as const).map(([message, reasons]) =>
      [
        { template: [message] },
        reasons.map((reason) => `message 1: ${reason}`),
      ] as const
    ),
    [{ endpoint: "complete", template: "\ud800" }, [
      "a broken character (half a surrogate pair)",
    ]],
  ];
  for (const [version, reasons] of cases) {
    const json = JSON.stringify(version);
    assertEquals(textOf(json).inexact, reasons, json);
  }
});

const FRAGMENTS = [
  ...[
    "Label: ",
    "{{ticket}}",
    "\n",
    "\n\n",
    "  ",
    " ",
    "\t",
    "\r\n",
    "é",
    "🙂",
  ],
  ...["<b>", "</b>", "<user_query>", "---", "---\n", "\u2028", "\u0000", '"'],
  ...["{", "}", "&amp;", "<", ">", "# a", "- b", "null", "<!-- c -->", "<tex"],
  ...["</", "{% if a %}", "{{", "}}", "\\n", "\ufeff", "  <tool_use>"],
];
/** What a reader takes for a tag: seldom, so that most Versions are exact. */
const TAGS = ["<text>", "</system>", "</tool>", "<Image", "<user>"];

function randomText(dice: Dice): string {
  const fragments = dice.oneIn(30) ? [...FRAGMENTS, ...TAGS] : FRAGMENTS;
  return Array.from({ length: dice.below(8) }, () => dice.oneOf(fragments))
    .join("");
}

function randomMessage(dice: Dice): object {
  const text = () => randomText(dice);
  const role = dice.oneOf([
    ...["system", "user", "user", "assistant", "developer", "tool"],
  ]);
  const extra = dice.oneIn(40) ? { name: text() } : {};
  if (role === "tool") {
    return {
      ...{ role, content: text(), tool_call_id: `call_${dice.below(9)}` },
      ...dice.oneIn(2) && { name: "f" },
    };
  }
  if (role === "assistant" && dice.oneIn(2)) {
    const calls = Array.from({ length: 1 + dice.below(3) }, (_, i) => ({
      id: `call_${i}`,
      type: "function",
      function: {
        name: "f",
        arguments: JSON.stringify({ a: text() }, null, i),
      },
    }));
    const content = dice.oneIn(9) ? text() : dice.oneOf([null, ""]);
    return { role, content, tool_calls: calls };
  }
  if (dice.oneIn(3)) {
    const parts = Array.from(
      { length: dice.below(4) },
      () =>
        dice.oneIn(3)
          ? { type: "image_url", image_url: { url: randomUrl(dice) } }
          : { type: "text", text: text() },
    );
    return { role, content: parts, ...extra };
  }
  return {
    role,
    content: text(),
    ...extra,
    tool_calls: dice.oneOf([null, []]),
  };
}

function randomUrl(dice: Dice): string {
  return dice.oneIn(15)
    ? "data:image/png;base64,AAAA"
    : dice.oneOf(["https://x.test/a.png?b=1&c=>2", "{{photo}}", "https://é"]);
}

function randomVersion(dice: Dice): string {
  const some = <T>(value: T) => dice.oneIn(2) ? value : null;
  const isChat = !dice.oneIn(4);
  const number = dice.oneOf([
    "0",
    "1",
    "0.70",
    "1e-3",
    "-0.5",
    "9007199254740993",
  ]);
  const version = JSON.stringify({
    ...{ version_id: "prv_1", path: "a", created_at: "2025-01-01" },
    ...{ model: randomText(dice), provider: some("openai_azure") },
    endpoint: isChat ? dice.oneOf(["chat", null]) : "complete",
    template_language: dice.oneOf(["default", "jinja", null]),
    stop: dice.oneOf([null, randomText(dice), [randomText(dice), "\n"]]),
    reasoning_effort: dice.oneOf([null, "high", 2048]),
    response_format: some({ type: "json_object", json_schema: null }),
    other: dice.oneOf([{}, { [randomText(dice)]: randomText(dice) }]),
    attributes: some({ a: [randomText(dice), { b: null, c: [] }] }),
    tools: some([{ name: "f", description: randomText(dice), strict: true }]),
    ...dice.oneIn(40) && { color: "red" },
    template: isChat
      ? Array.from({ length: dice.below(5) }, () => randomMessage(dice))
      : randomText(dice),
  });
  return version.replace("{", `{"temperature":${number},`);
}

Deno.test("400 random Versions are read back to what they were made from, or what differs is reported", () => {
  let exact = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const json = randomVersion(new Dice(seed));
    const { text, inexact } = textOf(json);
    if (inexact.length > 0) continue;
    exact++;
    assertReadsBack(json, text);
  }
  assert(exact > 250 && exact < 400, `${exact} exact`);
});

Deno.test({
  name: skipped + "YAML 1.1 and 1.2 read them back too",
  ignore: !hasPackages,
  fn: async () => {
    const jsons = Array.from(
      { length: 400 },
      (_, i) => randomVersion(new Dice(i + 1)),
    ).filter((json) => textOf(json).inexact.length === 0);
    await assertYamlReadsBack(jsons);
  },
});

/** Writes the files of the demo, each with the Version that it was made of. */
async function demoFiles(): Promise<
  ReadonlyArray<{ readonly json: string; readonly text: string }>
> {
  const disk = new MemoryDisk();
  await runInMemory(EXPORT_ARGS, { disk, workspace: sampleWorkspace() });
  const written = await writePrompts({
    ...{ disk, dirs: [MEMORY_EXPORT], to: "/out" },
  });
  assertEquals(
    [written.files, written.versions, written.unread, written.inexact],
    [5, 14, [], []],
  );
  const files = disk.files("/out");
  const versions: Record<string, { id: string; version_id: string }> = JSON
    .parse(files.get("%versions.json")!);
  assertEquals(
    [...files.keys()].filter((name) => name !== "%versions.json").sort(),
    Object.keys(versions).sort(),
  );
  return Object.entries(versions).map(([name, { id, version_id }]) => {
    const path = `${MEMORY_EXPORT}/files/${id}/versions/${version_id}`;
    const json = new TextDecoder().decode(disk.get(path));
    return { json, text: files.get(name)! };
  });
}

Deno.test("every file of the demo is read back", async () => {
  for (const { json, text } of await demoFiles()) assertReadsBack(json, text);
});

Deno.test({
  name: skipped + "PromptL reads the messages of the demo's files",
  ignore: !hasPackages,
  fn: async () => {
    const files = await demoFiles();
    const parameters = { ticket: "a < b" };
    const asked = files.map(({ text }) => ({ prompt: text, parameters }));
    const { promptl } = await askPackages({ promptl: asked });
    assertEquals(promptl.length, files.length);
    for (const [i, { json }] of files.entries()) {
      const { template, model } = JSON.parse(json);
      const { messages, config } = promptl[i]!;
      assertEquals(
        messages.map(({ role, content }) => ({
          role,
          content: Array.isArray(content)
            ? content.map(({ text }) => text).join()
            : content,
        })),
        template.map((
          { role, content }: { role: string; content: string },
        ) => ({
          role,
          content: content.replaceAll("{{ticket}}", "a < b"),
        })),
      );
      assertEquals(config["model"], model);
    }
  },
});
