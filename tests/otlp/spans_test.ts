/** Spans of Logs: nothing of a Log is missing, and what is there is as it was. */
import { assert, assertEquals } from "@std/assert";
import { hash } from "node:crypto";
import { dirname, join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { openDatabase } from "../../src/database/sqlite.ts";
import { LOG_FIELDS } from "../../src/otlp/spans/fields.ts";
import { fieldsText } from "../../src/otlp/fields_text.ts";
import { limitTraces, readSpans } from "../../src/otlp/spans/spans.ts";
import { tempDir } from "../helpers/tree.ts";
import { attributesOf, spansIn, spansOf, writeLogs } from "./read_export.ts";

const sha = (text: string) => hash("sha256", text);
const line = (value: unknown) => JSON.stringify(value);

/** A Version with a value of its own in every field of the API. */
function version(type: string) {
  return {
    ...{ path: `Some/${type}_1`, id: `${type.slice(0, 2)}_1`, type },
    ...{ directory_id: "dir_1", name: "Name", description: "about it" },
    ...{ readme: "read me", tags: ["tag1"], version_id: "v_1" },
    environments: [{ id: "env_1", name: "production", tag: "default" }],
    ...{ created_at: "2025-01-01T00:00:00", updated_at: "2025-01-02T00:00:00" },
    created_by: { id: "usr_1", email_address: "a@example.org" },
    ...{ last_used_at: "2025-01-03T00:00:00", version_name: "v7" },
    ...{ version_description: "shorter", attributes: { git_sha: "9f1" } },
    ...{ schema: { x: 1 }, version_logs_count: 12, total_logs_count: 13 },
    ...{ inputs: [{ name: "q" }], evaluators: [{ state: "active" }] },
    ...{ model: "gpt-4o", endpoint: "chat", provider: "openai_azure" },
    ...{ template: "Say {{q}}", template_language: "jinja", max_tokens: 77 },
    ...{ temperature: 0.25, top_p: 0.5, stop: ["END"], seed: 4711 },
    ...{ presence_penalty: 0.125, frequency_penalty: 0.75, other: { k: 2 } },
    ...{ response_format: { type: "json_object" }, reasoning_effort: "high" },
    ...{ tools: [{ name: "t1" }], linked_tools: [{ id: "tl_9" }] },
    ...{ function: { name: "fn" }, source_code: "def f(): pass" },
    ...{ setup_values: { s: 1 }, tool_type: "python", signature: "f()" },
    ...{ spec: { evaluator_type: "llm", return_type: "boolean" } },
    ...{ max_iterations: 6, raw_file_content: "---\nraw", unheard_of: "v?" },
  };
}

/** A Log with a value of its own in every field of the API, and in one that it has not. */
function everyField(type: string) {
  return {
    ...{ id: `log_${type}`, [type]: version(type) },
    ...{ start_time: "2025-06-01T10:00:00.102003" },
    ...{ end_time: "2025-06-01T10:00:01.940504" },
    created_at: "2025-06-01T10:00:01.951215",
    ...{ inputs: { q: "question", n: { deep: [3] } }, output: "the output" },
    ...{ error: "it failed", stdout: "printed", provider_latency: 1.8385 },
    provider_request: { model: "requested" },
    provider_response: { id: "chatcmpl-1" },
    ...{ source: "sdk", metadata: { tenant: "acme" }, user: "u-1" },
    ...{ environment: "staging", save: true, log_id: "own_1" },
    ...{ source_datapoint_id: "dp_1", batches: ["batch_1"] },
    ...{ trace_id: `log_${type}`, trace_flow_id: "fl_9" },
    trace_parent_id: null,
    output_message: {
      role: "assistant",
      content: "said",
      name: "namely",
      tool_calls: [{
        ...{ id: "call_1", type: "function", index: 9 },
        function: { name: "look", arguments: '{"order":[9912]}' },
      }],
      thinking: [
        { type: "thinking", thinking: "hmm", signature: "sig_1" },
        { type: "redacted_thinking", data: "hidden" },
      ],
    },
    messages: [
      { role: "developer", content: "be kind" },
      {
        role: "user",
        content: [{ type: "text", text: "look at" }, {
          type: "image_url",
          image_url: { url: "https://example.org/i.png", detail: "low" },
        }, { type: "other", own: "part" }],
      },
      { role: "tool", tool_call_id: "call_0", content: "answered" },
    ],
    tool_choice: { type: "function", function: { name: "chosen" } },
    ...{ finish_reason: "length", prompt_tokens: 61, reasoning_tokens: 5 },
    ...{ output_tokens: 7, prompt_cost: 9.15e-6, output_cost: 4.5e-6 },
    ...{ judgment: ["toxic", "rude"], marked_completed: true },
    ...{ log_status: "complete", trace_status: "done", session_id: "sesh_1" },
    ...{ unheard_of: { a: ["b", 12] }, time_source: "a field of this name" },
    raw: 3.5,
    trace_children: [],
    evaluator_logs: [],
  };
}

/** The values within a value, also within a text that is JSON. */
function valuesIn(value: unknown): readonly string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "object") return Object.values(value).flatMap(valuesIn);
  if (typeof value !== "string" || !/^[[{]/.test(value)) return [String(value)];
  return [value, ...valuesIn(JSON.parse(value))];
}

for (const type of ["prompt", "agent", "flow", "tool", "evaluator"]) {
  Deno.test(`every value of every field of a Log is in the span of a Log of type ${type}`, async () => {
    await using dir = await tempDir();
    const log = everyField(type);
    const id = `${type === "tool" ? "tl" : type.slice(0, 2)}_1`;
    const spans = await spansOf(dir.path, { [id]: [line(log)] });
    const span = spans.get(log.id)!;
    const written = new Set([
      ...valuesIn(span.attributes),
      ...valuesIn(span.status),
    ]);
    const missing = valuesIn(log).filter((one) =>
      !written.has(one) && !/^[[{]/.test(one) && one !== "function" &&
      one !== "image_url" && one !== "thinking"
    );
    assertEquals(missing, []);
    assertEquals(
      span.attributes["humanloop.field.time_source"],
      log.time_source,
    );
    assertEquals(span.attributes["humanloop.field.raw"], 3.5);
    assertEquals(span.startTimeUnixNano, "1748772000102003000");
    assertEquals(span.endTimeUnixNano, "1748772001940504000");
    assertEquals(span.status, { code: 2, message: "it failed" });
  });
}

Deno.test("the attributes of a Prompt's Log are those of the conventions", async () => {
  await using dir = await tempDir();
  const log = { ...everyField("prompt"), error: null };
  const { attributes, name, kind, status } =
    (await spansOf(dir.path, { pr_1: [line(log)] })).get(log.id)!;
  assertEquals([name, kind, status], ["chat gpt-4o", 3, {}]);
  const named = Object.entries(attributes)
    .filter(([key]) => !key.startsWith("humanloop."));
  assertEquals(Object.fromEntries(named), {
    "gen_ai.operation.name": "chat",
    "openinference.span.kind": "LLM",
    "gen_ai.prompt.name": "Some/prompt_1",
    "gen_ai.prompt.version": "v_1",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.provider.name": "azure.ai.openai",
    "gen_ai.request.temperature": 0.25,
    "gen_ai.request.max_tokens": 77n,
    "gen_ai.request.top_p": 0.5,
    "gen_ai.request.seed": 4711n,
    "gen_ai.request.stop_sequences": ["END"],
    "gen_ai.request.presence_penalty": 0.125,
    "gen_ai.request.frequency_penalty": 0.75,
    "gen_ai.request.reasoning.level": "high",
    "input.value": '{"q":"question","n":{"deep":[3]}}',
    "input.mime_type": "application/json",
    "gen_ai.prompt.variable.q": "question",
    "gen_ai.prompt.variable.n": '{"deep":[3]}',
    "gen_ai.input.messages": line([
      { role: "developer", parts: [{ type: "text", content: "be kind" }] },
      {
        role: "user",
        parts: [{ type: "text", content: "look at" }, {
          ...{ type: "uri", modality: "image" },
          ...{ uri: "https://example.org/i.png", detail: "low" },
        }, { type: "other", own: "part" }],
      },
      {
        role: "tool",
        parts: [{
          ...{ type: "tool_call_response", id: "call_0" },
          response: "answered",
        }],
      },
    ]),
    "output.value": "the output",
    "gen_ai.output.messages": line([{
      role: "assistant",
      parts: [
        { type: "reasoning", content: "hmm", signature: "sig_1" },
        { type: "redacted_thinking", data: "hidden" },
        { type: "text", content: "said" },
        {
          ...{ type: "tool_call", id: "call_1", name: "look" },
          ...{ arguments: { order: [9912] }, index: 9 },
        },
      ],
      name: "namely",
      finish_reason: "length",
    }]),
    "gen_ai.response.finish_reasons": ["length"],
    "gen_ai.usage.input_tokens": 61n,
    "gen_ai.usage.output_tokens": 7n,
    "gen_ai.usage.reasoning.output_tokens": 5n,
    "llm.cost.prompt": 9.15e-6,
    "llm.cost.completion": 4.5e-6,
    "llm.cost.total": 9.15e-6 + 4.5e-6,
  });
});

Deno.test("an operation, a kind and a name for every type of File, and none where there is no Version", async () => {
  await using dir = await tempDir();
  const of = (id: string, type: string, more = {}) =>
    line({ id, [type]: { ...version(type), ...more } });
  const spans = await spansOf(dir.path, {
    pr_1: [of("a", "prompt", { endpoint: "complete" }), '{"id":"none"}'],
    tl_1: [of("b", "tool")],
    fl_1: [of("c", "flow")],
    ag_1: [of("d", "agent")],
    ev_1: [of("e", "evaluator")],
  });
  const told = [...spans].map(([id, { name, kind, attributes }]) => [
    ...[id, name, kind, attributes["gen_ai.operation.name"]],
    attributes["openinference.span.kind"],
  ]);
  assertEquals(told.toSorted(), [
    ["a", "text_completion gpt-4o", 3, "text_completion", "LLM"],
    ["b", "execute_tool fn", 1, "execute_tool", "TOOL"],
    ["c", "invoke_workflow Name", 1, "invoke_workflow", "CHAIN"],
    ["d", "invoke_agent Name", 1, "invoke_agent", "AGENT"],
    ["e", "evaluate Name", 1, undefined, "EVALUATOR"],
    ["none", "log", 1, undefined, undefined],
  ]);
});

Deno.test("embedded images are blobs, and what is not a message stays as it is", async () => {
  await using dir = await tempDir();
  const image = { url: "data:image/png;base64,iVBOR", detail: "low" };
  const spans = await spansOf(dir.path, {
    pr_1: [
      line({
        id: "a",
        messages: [{
          role: "user",
          content: [{ type: "image_url", image_url: image }],
        }],
      }),
      '{"id":"b","messages":"none","output_message":[1],"finish_reason":7}',
      '{"id":"c","messages":[{"role":"user","content":"x","weight":1.0}]}',
    ],
  });
  assertEquals(
    JSON.parse(String(spans.get("a")!.attributes["gen_ai.input.messages"])),
    [{
      role: "user",
      parts: [{
        ...{ type: "blob", modality: "image", mime_type: "image/png" },
        ...{ content: "iVBOR", detail: "low" },
      }],
    }],
  );
  const { attributes } = spans.get("b")!;
  assertEquals(attributes["humanloop.messages"], "none");
  assertEquals(attributes["humanloop.output_message"], "[1]");
  assertEquals(attributes["humanloop.finish_reason"], 7n);
  assertEquals(
    spans.get("c")!.attributes["gen_ai.input.messages"],
    '[{"role":"user","parts":[{"type":"text","content":"x"}],"weight":1.0}]',
  );
});

Deno.test("numbers that a double cannot hold keep their spelling, and so do repeated names", async () => {
  await using dir = await tempDir();
  const log =
    '{"id":"a","prompt_tokens":12345678901234567890,"prompt_cost":1E400,' +
    '"x":[1E+400,{"a":1,"a":2}],"y":-0.0,"z":0.10,"w":1.0000000000000000001,' +
    '"v":9007199254740993,"u":-12,"output_cost":1.50,"t":true,"s":null}';
  const spans = await spansOf(dir.path, { pr_1: [log] });
  const { record, attributes } = spans.get("a")!;
  assertEquals(attributes, {
    "humanloop.time_source": "none",
    "llm.cost.completion": 1.5,
    "humanloop.id": "a",
    "humanloop.prompt_tokens": "12345678901234567890",
    "humanloop.prompt_cost": "1E400",
    "humanloop.x": '[1E+400,{"a":1,"a":2}]',
    "humanloop.y": "-0.0",
    "humanloop.z": 0.1,
    "humanloop.w": "1.0000000000000000001",
    "humanloop.v": "9007199254740993",
    "humanloop.u": -12n,
    "humanloop.t": true,
  });
  assert(record.json.includes('"doubleValue":0.10'));
});

Deno.test("U+0000 and halves of characters are escaped and listed", async () => {
  await using dir = await tempDir();
  const spans = await spansOf(dir.path, {
    pr_1: [
      '{"id":"a","output":"\\ud83d \\u0000 \\ud83d\\ude00","inputs":{"\\ud800":"x\\udfff"},' +
      '"error":"\\u0000","messages":[{"role":"user","content":"\\ud83d"}],"k\\u0000":1}',
    ],
  });
  const { record, attributes, status } = spans.get("a")!;
  assert(
    record.json.isWellFormed() && !/\\u(0000|d)/.test(
      record.json.replaceAll("\\\\", ""),
    ),
  );
  assertEquals(attributes["output.value"], "\\ud83d \\u0000 😀");
  assertEquals(attributes["input.value"], '{"\\ud800":"x\\udfff"}');
  assertEquals(attributes["gen_ai.prompt.variable.\\ud800"], "x\\udfff");
  assertEquals(status, { code: 2, message: "\\u0000" });
  assertEquals(
    JSON.parse(String(attributes["gen_ai.input.messages"]))[0].parts[0].content,
    "\ud83d",
  );
  assertEquals(attributes["humanloop.k\\u0000"], 1n);
  assertEquals(attributes["humanloop.escaped"], [
    ...["gen_ai.prompt.variable.\\ud800", "output.value", "humanloop.error"],
  ]);
});

const TIMES: ReadonlyArray<
  readonly [
    log: object,
    start: string,
    end: string,
    source: string,
  ]
> = [
  [
    {
      start_time: "2025-06-01T10:00:00.123456789",
      end_time: "2025-06-01T12:00:00.5+02:00",
    },
    "1748772000123456789",
    "1748772000500000000",
    "start_time, end_time",
  ],
  [
    { start_time: "2025-06-01T10:00:00Z", provider_latency: 0.0005 },
    "1748772000000000000",
    "1748772000000500000",
    "start_time, provider_latency",
  ],
  [
    { created_at: "2025-06-01T10:00:02", provider_latency: 1.5 },
    "1748772000500000000",
    "1748772002000000000",
    "created_at, provider_latency",
  ],
  [
    { end_time: "2025-06-01 10:00:02", created_at: "2025-06-01T11:00:00" },
    "1748772002000000000",
    "1748772002000000000",
    "end_time",
  ],
  [
    { start_time: "2025-06-01T10:00:02Z", end_time: "2025-06-01T10:00:00Z" },
    "1748772002000000000",
    "1748772002000000000",
    "start_time, end_time is before it",
  ],
  [
    { start_time: "yesterday", created_at: "1969-01-01T00:00:00" },
    "0",
    "0",
    "none",
  ],
  [{ created_at: "9999-01-01T00:00:00" }, "0", "0", "none"],
  [{ created_at: "0099-01-01T00:00:00" }, "0", "0", "none"],
];

Deno.test("times are the Log's own to the nanosecond, else derived, and their source is named", async () => {
  await using dir = await tempDir();
  const logs = TIMES.map(([log], i) => line({ id: `log_${i}`, ...log }));
  const spans = await spansOf(dir.path, { pr_1: logs });
  for (const [i, [log, start, end, source]] of TIMES.entries()) {
    const span = spans.get(`log_${i}`)!;
    const { attributes } = span;
    assertEquals([span.startTimeUnixNano, span.endTimeUnixNano], [start, end]);
    assertEquals(attributes["humanloop.time_source"], source);
    for (const [name, value] of Object.entries(log)) {
      assertEquals(attributes[`humanloop.${name}`], value);
    }
  }
});

Deno.test("a trace keeps its nesting, with ids derived from Humanloop's; a Log outside of traces is one of its own", async () => {
  await using dir = await tempDir();
  const child = { id: "in", tool: version("tool"), output: "nested" };
  const spans = await spansOf(dir.path, {
    fl_1: [
      line({
        id: "root",
        created_at: "2025-01-01T00:00:09",
        trace_children: [child],
      }),
    ],
    pr_1: [
      line({ id: "mid", trace_id: "root", trace_parent_id: "root" }),
      line({ id: "leaf", trace_id: "root", trace_parent_id: "mid" }),
      line({ id: "unnamed", trace_parent_id: "leaf" }),
      line({ id: "alone", created_at: "2025-01-01T00:00:01" }),
    ],
  });
  assertEquals(spans.size, 6);
  for (const [id, span] of spans) {
    const root = id === "alone" ? "alone" : "root";
    assertEquals(span.traceId, sha(root).slice(0, 32));
    assertEquals(span.spanId, sha(id).slice(0, 16));
  }
  const parents = { in: "root", mid: "root", leaf: "mid", unnamed: "leaf" };
  for (const [id, parent] of Object.entries(parents)) {
    assertEquals(spans.get(id)!.parentSpanId, sha(parent).slice(0, 16));
  }
  for (const id of ["root", "alone"]) {
    assertEquals(spans.get(id)!.parentSpanId, undefined);
  }
});

Deno.test("the spans of a trace are together, and traces in the order of their first Logs", async () => {
  await using dir = await tempDir();
  const at = (id: string, second: number, trace?: string) =>
    line({
      id,
      created_at: `2025-01-01T00:00:0${second}`,
      ...trace && { trace_id: trace, trace_parent_id: trace },
    });
  const spans = await spansOf(dir.path, {
    fl_1: [at("flow1", 9), at("flow2", 8)],
    pr_1: [
      ...[at("b", 7, "flow1"), at("a", 1, "flow1"), at("c", 2, "flow2")],
      ...[at("single", 3), at("d", 4, "flow2")],
    ],
  });
  assertEquals([...spans.keys()], [
    ...["a", "b", "flow1", "c", "d", "flow2", "single"],
  ]);
  const records = [...spans.values()].map(({ record }) => record);
  assertEquals(
    [...limitTraces(records, 2)].map(({ logId }) => logId),
    ["a", "b", "flow1", "c", "d", "flow2"],
  );
});

Deno.test("a parent that is not in the export, is left out, or is in another trace makes a root that says so", async () => {
  await using dir = await tempDir();
  const lines = {
    fl_1: [line({ id: "root", created_at: "2025-02-01T00:00:00" })],
    pr_1: [
      line({ id: "a", trace_id: "gone", trace_parent_id: "gone" }),
      line({ id: "b", trace_id: "root", trace_parent_id: "root" }),
      line({ id: "c", trace_id: "other", trace_parent_id: "root" }),
      line({ id: "self", trace_id: "self", trace_parent_id: "self" }),
      line({ id: "ring1", trace_parent_id: "ring2" }),
      line({ id: "ring2", trace_parent_id: "ring1" }),
      line({ id: "on ring", trace_parent_id: "ring2" }),
    ],
  };
  const whole = await spansOf(dir.path, lines);
  const part = await spansOf(dir.path, lines, { types: ["prompt"] });
  const told = (spans: typeof whole, id: string) => {
    const { traceId, parentSpanId, links, attributes } = spans.get(id)!;
    return [
      traceId,
      parentSpanId,
      links?.map(({ spanId }) => spanId),
      attributes["humanloop.missing_parent"],
    ];
  };
  const trace = (id: string) => sha(id).slice(0, 32);
  const span = (id: string) => sha(id).slice(0, 16);
  const none = undefined;
  assertEquals(told(whole, "a"), [trace("gone"), none, none, "gone"]);
  assertEquals(told(whole, "b"), [trace("root"), span("root"), none, none]);
  assertEquals(told(whole, "c"), [trace("other"), none, [span("root")], none]);
  assertEquals(told(whole, "self"), [trace("self"), none, none, none]);
  for (const id of ["ring1", "ring2", "on ring"]) {
    assertEquals(whole.get(id)!.traceId, trace("ring1"));
  }
  assertEquals(told(whole, "ring1"), [trace("ring1"), none, none, none]);
  assertEquals(told(whole, "ring2")[1], span("ring1"));
  assertEquals([part.size, whole.size], [7, 8]);
  assertEquals(told(part, "b"), [trace("root"), none, none, "root"]);
});

Deno.test("filters take Logs by type, File and time, as an export's do", async () => {
  await using dir = await tempDir();
  const at = (id: string, time?: string) => line({ id, created_at: time });
  const lines = {
    pr_1: [at("a", "2025-01-01T00:00:00"), at("b", "2025-02-01T00:00:00")],
    tl_1: [at("c", "2025-02-01T00:00:00.5"), at("d")],
  };
  const ids = async (filters: Parameters<typeof spansOf>[2]) =>
    [...(await spansOf(dir.path, lines, filters)).keys()].sort().join("");
  assertEquals(await ids({ types: ["tool"] }), "cd");
  assertEquals(await ids({ files: ["Some/pr_*"] }), "ab");
  assertEquals(await ids({ files: ["tl_1", "some/PR_1"] }), "abcd");
  assertEquals(await ids({ since: "2025-02-01T00:00:00.000Z" }), "bc");
  assertEquals(await ids({ until: "2025-02-01T00:00:00.000Z" }), "ab");
  assertEquals(
    await ids({ types: ["prompt"], since: "2025-01-15T00:00:00.000Z" }),
    "b",
  );
});

Deno.test("a Log of year 9999, 1, or before 1970 is sent once, and filters by time handle it", async () => {
  await using dir = await tempDir();
  const at = (id: string, time?: string) => line({ id, created_at: time });
  const lines = {
    pr_1: [
      at("a", "9999-12-31T23:59:59.999999Z"),
      at("b", "0001-01-01T00:00:00Z"),
      at("c", "1969-07-20T20:17:40Z"),
      at("d", "0099-01-01T00:00:00Z"),
      ...[at("e"), at("f", "2025-01-01T00:00:00Z")],
    ],
  };
  const ids = async (filters: Parameters<typeof spansOf>[2]) =>
    [...(await spansOf(dir.path, lines, filters)).keys()].sort().join("");
  assertEquals(await ids({}), "abcdef");
  assertEquals(await ids({ since: "1960-01-01T00:00:00.000Z" }), "acf");
  assertEquals(await ids({ since: "9000-01-01T00:00:00.000Z" }), "a");
  assertEquals(await ids({ until: "1970-01-01T00:00:00.000Z" }), "bcd");
  assertEquals(await ids({ until: "2025-01-02T00:00:00.000Z" }), "bcdf");
});

Deno.test("a line that is not JSON and a Log without an id are spans too, and are reported", async () => {
  await using dir = await tempDir();
  const spans = await spansOf(dir.path, {
    pr_1: [
      ...["no JSON", "", '{"output":"no id"}', "[1]"],
      line({ id: "a", trace_children: [{ output: 1 }, { output: 1 }, 7] }),
    ],
  });
  const path = "files/pr_1/logs/1.jsonl";
  const told = [...spans.values()].map(({ record, attributes }) => [
    ...[record.problem, attributes["humanloop.raw"]],
    ...[attributes["humanloop.position"], attributes["output.value"]],
  ]);
  const noId = "is within another record and has no id";
  const none = undefined;
  assertEquals(
    told.toSorted(),
    [
      [`${path}:1 is not a JSON record`, "no JSON", `${path}:1`, none],
      [`${path}:2 is not a JSON record`, "", `${path}:2`, none],
      [`${path}:4 is not a JSON record`, "[1]", `${path}:4`, none],
      [`${path}:5 ${noId}`, none, `${path}:5`, "1"],
      [`${path}:5 ${noId}`, none, `${path}:5`, "1"],
      [none, none, `${path}:3`, "no id"],
      [none, none, none, none],
    ].toSorted(),
  );
  const ids = new Set([...spans.values()].map(({ spanId }) => spanId));
  assertEquals(ids.size, 7);
  assertEquals(
    spans.get("a")!.attributes["humanloop.trace_children"],
    '[{"output":1},{"output":1},7]',
  );
});

Deno.test("judgments are attributes of the judged span and events of it; an Evaluator's Log links to it", async () => {
  await using dir = await tempDir();
  const judge = (id: string, judgment: unknown, more = {}) => ({
    ...{ id, judgment, evaluator: version("evaluator"), parent_id: "judged" },
    ...{ created_at: "2025-06-01T10:00:00.000001", ...more },
  });
  const spans = await spansOf(dir.path, {
    pr_1: [
      line({
        id: "judged",
        evaluator_logs: [judge("e1", true, { output: "since it is" })],
      }),
    ],
    ev_1: [
      line(judge("e2", 0.5)),
      line(judge("e3", ["rude", "toxic"])),
      line(judge("e4", null, { error: "no answer" })),
      line(judge("e5", "curt", { parent_id: "gone" })),
    ],
  });
  const { attributes, record, traceId, spanId } = spans.get("judged")!;
  const of = Object.entries(attributes)
    .filter(([key]) => /^evaluations\.\d/.test(key))
    .map((
      [key, value],
    ) => [key.replace(/^evaluations\.|evaluation\./g, ""), value]);
  const by = { evaluator_id: "ev_1", evaluator_version_id: "v_1" };
  const more = { created_at: "2025-06-01T10:00:00.000001" };
  const common = (i: number, id: string, error = {}) => ({
    [`${i}.name`]: "Some/ev_1",
    [`${i}.annotator_kind`]: "LLM",
    [`${i}.identifier`]: id,
    [`${i}.metadata`]: line({ ...by, ...error, ...more }),
  });
  const order = record.judgments.map((one) => {
    const { attributes } = JSON.parse(one);
    return attributesOf(attributes)["humanloop.evaluator_log.id"];
  });
  const at = (id: string) => order.indexOf(id);
  assertEquals(Object.fromEntries(of), {
    ...common(at("e1"), "e1"),
    [`${at("e1")}.score`]: 1,
    [`${at("e1")}.label`]: "true",
    [`${at("e1")}.explanation`]: "since it is",
    ...common(at("e2"), "e2"),
    [`${at("e2")}.score`]: 0.5,
    ...common(at("e3"), "e3"),
    [`${at("e3")}.label`]: '["rude","toxic"]',
    ...common(at("e4"), "e4", { error: "no answer" }),
  });
  const event = JSON.parse(record.judgments[at("e1")]!);
  assertEquals({ ...event, attributes: attributesOf(event.attributes) }, {
    timeUnixNano: "1748772000000001000",
    observedTimeUnixNano: "1748772000000001000",
    eventName: "gen_ai.evaluation.result",
    attributes: {
      "gen_ai.evaluation.name": "Some/ev_1",
      "gen_ai.evaluation.score.value": 1,
      "gen_ai.evaluation.score.label": "true",
      "gen_ai.evaluation.explanation": "since it is",
      "humanloop.evaluator_log.id": "e1",
      "humanloop.evaluator.id": "ev_1",
      "humanloop.evaluator.version.id": "v_1",
      "humanloop.id": "judged",
    },
    traceId,
    spanId,
  });
  for (const id of ["e1", "e2"]) {
    assertEquals(spans.get(id)!.links, [{ traceId, spanId }]);
  }
  const alone = spans.get("e5")!;
  assertEquals([alone.links, alone.record.judgments.length], [undefined, 1]);
  assertEquals(JSON.parse(alone.record.judgments[0]!).spanId, alone.spanId);
});

Deno.test("a Log of an Evaluation says in which Runs and with which Datapoints it counts", async () => {
  await using dir = await tempDir();
  const roots = [join(dir.path, "1"), join(dir.path, "2")];
  const judged = { id: "e", judgment: 1.50, evaluator: version("evaluator") };
  const datapoint = { id: "dp_1", inputs: { q: "?" }, target: { n: 0.1 } };
  const files = {
    "evaluation.json": '{"id":"evr_1","name":"June"}',
    "stats.json": "{}",
    "runs/run_1": '{"id":"run_1"}',
    "runs/run_2": '{"id":"run_2"}',
    "logs/1.jsonl": ["run_1", "run_2"].map((run_id) =>
      line({ run_id, datapoint, log: { id: "a" }, evaluator_logs: [judged] }) +
      "\n"
    ).join(""),
  };
  for (const root of roots) {
    await writeLogs(root, { pr_1: ['{"id":"a"}'] });
    const evaluation = join(root, "files/pr_1/evaluations/evr_1");
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(evaluation, name)), { recursive: true });
      await Deno.writeTextFile(join(evaluation, name), text);
    }
  }
  const spans = await spansIn(roots.slice(0, 1));
  assertEquals(spans.map(({ record }) => record.logId).sort(), ["a", "e"]);
  // Exports that overlap say it once.
  assertEquals(await spansIn(roots), spans);
  const { attributes, record } = spans.find(({ record }) =>
    record.logId === "a"
  )!;
  assertEquals(attributes["humanloop.evaluation.id"], ["evr_1", "evr_1"]);
  assertEquals(attributes["humanloop.run.id"], ["run_1", "run_2"]);
  assertEquals(attributes["humanloop.datapoint.id"], ["dp_1", "dp_1"]);
  assertEquals(
    JSON.parse(String(attributes["humanloop.evaluation_logs"])),
    ["run_1", "run_2"].map((run_id) => ({
      ...{ evaluation_id: "evr_1", run_id, datapoint },
    })),
  );
  assertEquals(
    record.judgments.map((one) => {
      const event = attributesOf(JSON.parse(one).attributes);
      return [
        event["humanloop.run.id"],
        event["humanloop.evaluation.id"],
        event["gen_ai.evaluation.score.value"],
      ];
    }),
    [["run_1", "evr_1", 1.5], ["run_2", "evr_1", 1.5]],
  );
});

Deno.test("shards side by side are one export: a trace across them is one trace", async () => {
  await using dir = await tempDir();
  const shards = [join(dir.path, "1"), join(dir.path, "2")];
  await writeLogs(shards[0]!, { fl_1: ['{"id":"root"}'] });
  await writeLogs(shards[1]!, {
    pr_1: [line({ id: "a", trace_id: "root", trace_parent_id: "root" })],
  });
  const spans = await spansIn(shards);
  assertEquals(spans.map(({ traceId }) => traceId), [
    ...[sha("root").slice(0, 32), sha("root").slice(0, 32)],
  ]);
  assertEquals(spans.map(({ parentSpanId }) => parentSpanId), [
    ...[undefined, sha("root").slice(0, 16)],
  ]);
});

Deno.test("messages of any depth are kept, and names that are the same when escaped", async () => {
  await using dir = await tempDir();
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const spans = await spansOf(dir.path, {
    pr_1: [
      `{"id":"a","messages":[{"role":"assistant","deep":${deep},"tool_calls":[` +
      `{"function":{"name":"f","arguments":"{\\"n\\":1}"}}]}]}`,
      '{"id":"b","k\\u0000":1,"k\\\\u0000":2,"inputs":{"\\u0000":3,"\\\\u0000":4}}',
    ],
  });
  const { attributes } = spans.get("a")!;
  // How deep a value the runtime writes depends on the size of its stack.
  const kept = attributes["humanloop.messages"] ??
    attributes["gen_ai.input.messages"];
  assert(String(kept).includes(deep));
  const twice = spans.get("b")!.attributes;
  assertEquals(
    [twice["humanloop.k\\u0000"], twice["humanloop.field.k\\u0000"]],
    [
      ...[1n, 2n],
    ],
  );
  const variable = "gen_ai.prompt.variable.\\u0000";
  assertEquals([twice[variable], twice[`${variable}_`]], ["3", "4"]);
});

Deno.test("for Langfuse, input and output are where it looks first", async () => {
  await using dir = await tempDir();
  const log = everyField("prompt");
  const lines = {
    pr_1: [line(log), '{"id":"b","inputs":{"q":1},"output":"text"}'],
  };
  const name = "langfuse.observation";
  const spans = await spansOf(dir.path, lines, {}, "langfuse");
  const { attributes } = spans.get(log.id)!;
  assertEquals(attributes[`${name}.input`], line(log.messages));
  assertEquals(attributes[`${name}.output`], line(log.output_message));
  const other = spans.get("b")!.attributes;
  assertEquals([other[`${name}.input`], other[`${name}.output`]], [
    ...['{"q":1}', "text"],
  ]);
  const plain = (await spansOf(dir.path, lines)).get(log.id)!;
  assertEquals(`${name}.input` in plain.attributes, false);
});

Deno.test("a reader that stops early leaves nothing open", async () => {
  await using dir = await tempDir();
  await writeLogs(dir.path, { pr_1: ['{"id":"a"}', '{"id":"b"}'] });
  const { disk } = denoRuntime();
  const { path } = await buildDatabase({ disk, dirs: [dir.path] });
  const database = openDatabase(path);
  for (const { logId } of readSpans(database, {})) {
    assert(logId !== "");
    break;
  }
  database.close();
});

Deno.test("the table of --help has a row for every field that has attributes of its own", () => {
  const text = fieldsText();
  for (const name of LOG_FIELDS.flatMap(({ fields }) => fields)) {
    assert(new RegExp(`^ {2}.*\\b${name}\\b`, "m").test(text), name);
  }
  for (const one of text.split("\n")) assert(one.length <= 80, one);
});
