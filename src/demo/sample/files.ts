/** The sample's Files, and the fields of their Versions. */
import { raw } from "../raw_json.ts";
import { makeFile, type Value } from "./make_file.ts";
import { MIRA, timeAt } from "./parts.ts";

const model = (n: number, template: string) => ({
  model: n > 2 ? "gpt-4o" : "gpt-4o-mini",
  endpoint: "chat",
  template: [{ role: "system", content: template }, {
    role: "user",
    content: "{{ticket}}",
  }],
  template_language: "default",
  provider: "openai",
  max_tokens: -1,
  temperature: raw(n % 2 === 0 ? "0.20" : "1e-1"),
  top_p: raw("1.0"),
  stop: null,
  presence_penalty: raw("0.0"),
  frequency_penalty: raw("-0.0"),
  other: {},
  seed: null,
  response_format: { type: "json_object", json_schema: null },
  reasoning_effort: null,
  tools: [],
  linked_tools: [],
  schema: null,
  raw_file_content: null,
});

const evaluatorSpec = (returnType: string, extra: Value): Value => ({
  spec: {
    arguments_type: "target_required",
    return_type: returnType,
    attributes: null,
    options: null,
    number_limits: null,
    number_valence: null,
    ...extra,
  },
  schema: null,
});

const toolFields = (n: number) => ({
  function: {
    name: "lookup_order",
    description: `Find an order (v${n})`,
    strict: true,
    parameters: {
      type: "object",
      properties: { order_id: { type: "string" } },
      required: ["order_id"],
    },
  },
  source_code: "def lookup_order(order_id):\n    return db[order_id]\n",
  setup_values: null,
  tool_type: "python",
  signature: "lookup_order(order_id: str)",
  schema: null,
});

export const CLASSIFIER = makeFile({
  type: "prompt",
  path: "Support/Triage/Ticket Classifier",
  versions: 7,
  logs: 3512,
  fields: (n) =>
    model(n, `Label the ticket with one of ${n + 3} labels: {{ticket}}`),
});
export const REPLY = makeFile({
  type: "prompt",
  path: "Support/Reply Writer",
  versions: 3,
  logs: 120,
  fields: (n) => model(n, `Answer politely, in at most ${n} paragraphs.`),
});
export const TRANSLATOR = makeFile({
  type: "prompt",
  path: "Übersetzung 翻訳/Übersetzer",
  versions: 2,
  logs: 40,
  fields: (n) =>
    model(n, `次の文を英語に訳してください（第${n}版）— naïve façade 🙂`),
});
export const LOOKUP = makeFile({
  type: "tool",
  path: "Support/Tools/lookup_order",
  versions: 2,
  logs: 160,
  fields: toolFields,
});
export const GOLDEN = makeFile({
  type: "dataset",
  path: "Support/Golden tickets",
  versions: 3,
  fields: (n) => ({
    datapoints_count: 800 * n + 17,
    datapoints: null,
    schema: null,
  }),
});
export const SMOKE = makeFile({
  type: "dataset",
  path: "Shared/Smoke test",
  versions: 1,
  fields: () => ({ datapoints_count: 12, datapoints: null, schema: null }),
});
export const EXACT = makeFile({
  type: "evaluator",
  path: "Shared/Evaluators/Exact label",
  versions: 2,
  logs: 400,
  fields: () =>
    evaluatorSpec("boolean", {
      evaluator_type: "python",
      code:
        "def check(log, testcase):\n    return log['output'] == testcase['target']['label']\n",
    }),
});
export const LENGTH = makeFile({
  type: "evaluator",
  path: "Shared/Evaluators/Answer length",
  versions: 1,
  fields: () =>
    evaluatorSpec("number", {
      evaluator_type: "external",
      arguments_type: "target_free",
      number_limits: { min: raw("0.0"), max: null, step: null },
      number_valence: "negative",
    }),
});
export const TONE = makeFile({
  type: "evaluator",
  path: "Shared/Evaluators/Tone",
  versions: 1,
  fields: () =>
    evaluatorSpec("select", {
      evaluator_type: "human",
      arguments_type: "target_free",
      instructions: "How does the answer sound?",
      options: [
        { name: "friendly", valence: "positive" },
        { name: "curt", valence: "negative" },
      ],
    }),
});
export const FLOW = makeFile({
  type: "flow",
  path: "Support/Answer flow",
  versions: 3,
  logs: 160,
  fields: (n) => ({ attributes: { retriever: { k: 4 + n } }, schema: null }),
});
export const AGENT = makeFile({
  type: "agent",
  path: "Support/Refund agent",
  versions: 2,
  logs: 30,
  fields: (n) => {
    const { linked_tools: _, ...fields } = model(n, "Handle refunds.");
    const tool = LOOKUP.versions[0]!;
    return {
      ...fields,
      status: "committed",
      committed_by: MIRA,
      committed_at: timeAt(n * 1440),
      reasoning_effort: 2048,
      max_iterations: 6,
      tools: [{
        type: "file",
        link: {
          file_id: LOOKUP.id,
          environment_id: null,
          version_id: tool["version_id"],
        },
        on_agent_call: "continue",
        file: tool,
      }, {
        type: "inline",
        json_schema: {
          name: "stop",
          description: "finish",
          strict: null,
          parameters: null,
        },
        on_agent_call: "stop",
      }],
    };
  },
});
/** A File that was made and never used: no Versions, nothing else. */
export const DRAFT = makeFile({
  type: "prompt",
  path: "Draft",
  versions: 1,
  fields: (n) => ({ ...model(n, "To do"), environments: null }),
});
