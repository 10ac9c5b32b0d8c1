/** A small export with all that a page can show: a trace, tool calls, an image, Runs that disagree. */
import { dirname, join } from "@std/path";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const file = (id: string, type: string, path: string) => ({
  ...{ id, type, path, name: path.split("/").at(-1) },
});
const PROMPT = file("pr_1", "prompt", "Support/Triage");
const FLOW = file("fl_1", "flow", "Support/Answer flow");
const TOOL = file("tl_1", "tool", "Support/lookup_order");
const JUDGE = file("ev_1", "evaluator", "Shared/Exact");
const DATASET = file("ds_1", "dataset", "Support/Golden");

const promptVersion = (i: number) => ({
  ...PROMPT,
  version_id: `prv_${i}`,
  version_name: `v${i}`,
  created_at: `2025-05-0${i}T10:00:00.000000`,
  model: "gpt-4o",
  template: [{ role: "system", content: `Answer kindly.\nRule ${i}.` }],
});

function promptLog(i: number): Record<string, unknown> {
  return {
    id: `log_${i}`,
    prompt: promptVersion(1 + i % 2),
    created_at: new Date(Date.UTC(2025, 5, 1, 10, i)).toISOString(),
    inputs: { ticket: `Ticket number${i}` },
    messages: [{
      role: "user",
      content: i % 10 === 3 ? "配送先の住所" : "hello",
    }],
    output: `{"label":"billing","n":${i}}`,
    provider_latency: i / 10,
    prompt_cost: i * 1e-6,
    output_cost: 0,
    error: i % 7 === 0 ? "the provider timed out" : null,
    user: `u-${i % 3}`,
    environment: i % 2 === 0 ? "production" : "staging",
    evaluator_logs: i < 4
      ? [{
        id: `judgment_${i}`,
        evaluator: { ...JUDGE, version_id: "evv_1" },
        parent_id: `log_${i}`,
        judgment: i % 2 === 0,
      }]
      : [],
  };
}

const step = (second: number, took: number) => ({
  start_time: `2025-06-01T12:00:0${second}.000000`,
  end_time: `2025-06-01T12:00:0${second + took}.000000`,
  created_at: `2025-06-01T12:00:0${second + took}.100000`,
});

const TRACE = {
  id: "order/9 run&3",
  flow: { ...FLOW, version_id: "flv_1" },
  ...step(0, 8),
  inputs: { question: "refund?" },
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "see the picture" },
        { type: "image_url", image_url: { url: PIXEL } },
      ],
    },
    {
      role: "assistant",
      content: null,
      tool_calls: [{
        ...{ id: "call_1", type: "function" },
        function: { name: "lookup_order", arguments: `{"order":9}` },
      }],
    },
    { role: "tool", tool_call_id: "call_1", content: `{"status":"paid"}` },
  ],
  output: "Refund issued",
  trace_children: [{
    ...{ id: "step_prompt", prompt: promptVersion(2), ...step(1, 5) },
    output: "thinking",
    trace_children: [{
      ...{ id: "step_tool", tool: { ...TOOL, version_id: "tv_1" } },
      ...{ ...step(2, 1), output: `{"status":"paid"}`, error: "late" },
    }],
  }],
};

function evaluationLog(run: number, datapoint: number): unknown {
  const isRight = run === 1 || datapoint % 3 !== 0;
  return {
    run_id: `run_${run}`,
    datapoint: {
      id: `dp_${datapoint}`,
      inputs: { ticket: `case ${datapoint}` },
      target: { label: "billing" },
    },
    log: {
      id: `eval_${run}_${datapoint}`,
      prompt: promptVersion(run),
      output: isRight ? "billing" : "other",
    },
    evaluator_logs: [{
      id: `evj_${run}_${datapoint}`,
      evaluator: { ...JUDGE, version_id: "evv_1" },
      judgment: isRight,
    }],
  };
}

const statsOf = (run: number, right: number) => ({
  ...{ run_id: `run_${run}`, version_id: `prv_${run}`, num_logs: 9 },
  evaluator_stats: [{
    ...{ evaluator_version_id: "evv_1", total_logs: 9, num_judgments: 9 },
    ...{ num_nulls: 0, num_errors: 0, num_true: right, num_false: 9 - right },
  }],
});

const json = (value: unknown) => JSON.stringify(value);
const lines = (values: readonly unknown[]) =>
  values.map((value) => json(value) + "\n").join("");

/** Logs of the Prompt. */
export const LOGS = 120;

/** Writes the export. */
export async function writeRichExport(dir: string): Promise<void> {
  const files = new Map<string, string>();
  for (const one of [PROMPT, FLOW, TOOL, JUDGE, DATASET]) {
    files.set(`files/${one.id}/file.json`, json(one));
    files.set(`files/${one.id}/deployments.json`, "[]");
  }
  const prompt = "files/pr_1";
  for (const i of [1, 2]) {
    files.set(`${prompt}/versions/prv_${i}`, json(promptVersion(i)));
  }
  files.set(
    `${prompt}/deployments.json`,
    json([{
      ...{ version_id: "prv_2", environment_id: "env_1" },
      ...{ environment_name: "production", environment_tag: "default" },
    }]),
  );
  for (
    const [id, version] of [["fl_1", "flv_1"], ["tl_1", "tv_1"], [
      "ev_1",
      "evv_1",
    ]] as const
  ) files.set(`files/${id}/versions/${version}`, json({ version_id: version }));
  const logs = Array.from({ length: LOGS }, (_, i) => promptLog(i));
  files.set(`${prompt}/logs/1.jsonl`, lines(logs));
  files.set("files/fl_1/logs/1.jsonl", lines([TRACE]));
  const evaluation = `${prompt}/evaluations/evr_1`;
  const evaluators = [{ version: { ...JUDGE, version_id: "evv_1" } }];
  files.set(
    `${evaluation}/evaluation.json`,
    json({ id: "evr_1", name: "June regression", evaluators }),
  );
  files.set(
    `${evaluation}/stats.json`,
    json({ status: "completed", run_stats: [statsOf(1, 9), statsOf(2, 6)] }),
  );
  for (const i of [1, 2]) {
    const run = {
      ...{ id: `run_${i}`, version: promptVersion(i), control: i === 1 },
      dataset: { ...DATASET, version_id: "dsv_1" },
    };
    files.set(`${evaluation}/runs/run_${i}`, json(run));
  }
  files.set(
    `${evaluation}/logs/1.jsonl`,
    lines(
      Array.from(
        { length: 18 },
        (_, i) => evaluationLog(1 + i % 2, Math.floor(i / 2)),
      ),
    ),
  );
  for (const i of [1, 2]) {
    files.set(
      `files/ds_1/versions/dsv_${i}`,
      json({ ...DATASET, version_id: `dsv_${i}`, version_name: `set ${i}` }),
    );
    const datapoints = Array.from({ length: 9 }, (_, n) => ({
      id: `dp_${n + i}`,
      inputs: { ticket: `case ${n + i}` },
      target: { label: i === 2 && n === 4 ? "changed" : "billing" },
    }));
    files.set(`files/ds_1/datapoints/dsv_${i}/1.jsonl`, lines(datapoints));
  }
  for (const [name, text] of files) {
    await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
    await Deno.writeTextFile(join(dir, name), text);
  }
}
