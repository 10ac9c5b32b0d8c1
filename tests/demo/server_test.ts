import { assert, assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { prettyPrint } from "../../src/demo/pretty_print.ts";
import {
  AGENT,
  CLASSIFIER,
  FLOW,
  sampleWorkspace,
} from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";

const workspace = sampleWorkspace();

const nextTick = () => new Promise((resolve) => setTimeout(resolve));

async function get(path: string, key = DEMO_KEY) {
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const headers = { "x-api-key": key };
  const response = await fetch(server.url + path, { headers });
  return { status: response.status, body: await response.json() };
}

Deno.test("the demo server refuses as the API does", async () => {
  assertEquals((await get("/files", "other")).status, 401);
  assertEquals((await get("/files?page=0")).status, 422);
  assertEquals((await get("/logs")).body, {
    detail: [{
      loc: ["query", "file_id"],
      msg: "field required",
      type: "value_error.missing",
    }],
  });
  assertEquals((await get("/prompts/pr_none/versions")).status, 404);
  assertEquals((await get("/directories/root")).status, 404);
});

Deno.test("a page past the end is empty, and the default sizes are the API's", async () => {
  const { body } = await get(`/logs?file_id=${CLASSIFIER.id}&page=400`);
  assertEquals(body, { records: [], page: 400, size: 10, total: 3512 });
});

Deno.test("a slow server sends one answer at a time, and stops at once", async () => {
  const waits: PromiseWithResolvers<void>[] = [];
  const clock = {
    sleep(_ms: number, { signal }: { readonly signal?: AbortSignal } = {}) {
      const wait = Promise.withResolvers<void>();
      signal?.addEventListener("abort", () => wait.reject(signal.reason));
      waits.push(wait);
      return wait.promise;
    },
  };
  const key = DEMO_KEY;
  const server = serveDemo(workspace, { key, delayMs: 300, clock });
  const headers = { "x-api-key": key };
  const answers: number[] = [];
  const ask = async (page: number) => {
    const url = `${server.url}/files?size=1&page=${page}`;
    await (await fetch(url, { headers })).body?.cancel();
    answers.push(page);
  };
  const first = ask(1);
  while (waits.length === 0) await nextTick();
  const others = [ask(2), ask(3)];
  waits[0]!.resolve();
  await first;
  while (waits.length === 1) await nextTick();
  assertEquals([answers, waits.length], [[1], 2]);
  await server[Symbol.asyncDispose]();
  await Promise.all(others);
  assertEquals([answers.length, waits.length], [3, 2]);
});

Deno.test("every File type is there, with two Environments and full Versions in Logs", async () => {
  const { body } = await get("/files?size=100");
  const types = new Set(body.records.map((one: { type: string }) => one.type));
  assertEquals([...types].sort(), [
    "agent",
    "dataset",
    "evaluator",
    "flow",
    "prompt",
    "tool",
  ]);
  for (const file of [CLASSIFIER, FLOW, AGENT]) {
    const query = `file_id=${file.id}&include_trace_children=true`;
    const [log] = (await get(`/logs?${query}`)).body.records;
    assertEquals(log[file.type].version_id, file.versions[0]!.id);
    assertEquals(log.trace_children.length > 0, file !== CLASSIFIER);
  }
  const { body: environments } = await get(
    `/prompts/${CLASSIFIER.id}/environments`,
  );
  assertEquals(
    environments.map((one: { name: string }) => one.name),
    ["production", "staging"],
  );
});

Deno.test("the sample holds values that a JSON round trip changes", () => {
  const logs = workspace.files[0]!.logs;
  const texts = Array.from({ length: 9 }, (_, i) => logs.at(i)!);
  for (const text of texts) {
    assert(JSON.stringify(JSON.parse(text)) !== text, "it survives");
  }
  for (
    const spelling of [
      ":12345678901234567890",
      ":1E+400",
      ":-0.0",
      ':"\\ud83d lone"',
      ':{"a":1,"a":2}',
      ':"\\u0041\\/\\u00e9"',
      ":[1e5,0.10]",
    ]
  ) assert(texts.join().includes(spelling), spelling);
});

interface Log {
  readonly id: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly judgment?: unknown;
  readonly prompt_cost?: number;
  readonly output_tokens?: number;
  readonly start_time: string;
  readonly end_time: string;
  readonly created_at: string;
  readonly messages?: { tool_calls?: unknown[]; content: unknown }[];
  readonly trace_id: string | null;
  readonly trace_parent_id: string | null;
  readonly trace_children: readonly Log[];
  readonly evaluator_logs: readonly Log[];
}

const logsOf = (file: { id: string }): readonly Log[] => {
  const { logs } = workspace.files.find(({ id }) => id === file.id)!;
  return Array.from(
    { length: logs.length },
    (_, i) => JSON.parse(logs.at(i)!),
  );
};

Deno.test("traces are three levels deep, and their parts are what the Files' lists hold", () => {
  const listed = new Map(
    workspace.files.flatMap(logsOf).map((log) => [log.id, log]),
  );
  let deepest = 0;
  const check = (log: Log, parent: Log, depth: number) => {
    deepest = Math.max(deepest, depth);
    assertEquals(log.trace_parent_id, parent.id);
    assertEquals(log.trace_id, parent.trace_id);
    assert(parent.start_time <= log.start_time, log.id);
    assert(log.end_time <= parent.end_time, log.id);
    assert(log.end_time <= log.created_at, log.id);
    const { trace_children: _, ...own } = log;
    const { trace_children: __, ...other } = listed.get(log.id)!;
    assertEquals(own, other);
    for (const child of log.trace_children) check(child, log, depth + 1);
  };
  for (const log of logsOf(FLOW)) {
    for (const child of log.trace_children) check(child, log, 2);
  }
  assertEquals(deepest, 3);
});

Deno.test("the sample has tool calls, pictures, errors, costs and judgments of every type", () => {
  const agent = logsOf(AGENT)[0]!;
  const [call] = agent.messages!.flatMap((one) => one.tool_calls ?? []);
  assertEquals(call, {
    id: "call_9000",
    type: "function",
    function: {
      name: "lookup_order",
      arguments: '{"order_id": "9000"}',
    },
  });
  const logs = logsOf(CLASSIFIER);
  const pictures = logs.filter(({ messages }) =>
    JSON.stringify(messages).includes('"url":"data:image/png;base64,')
  );
  assert(pictures.length > 0);
  const failed = logs.filter(({ error }) => error !== null);
  assert(failed.length > 0 && failed.every(({ output }) => output === null));
  const costs = new Set(logs.map(({ prompt_cost }) => prompt_cost));
  assert(costs.size > 10 && !costs.has(0), [...costs].join());
  const judged = logs.flatMap((one) => one.evaluator_logs)
    .map(({ judgment }) => judgment);
  const types = judged.map((one) => Array.isArray(one) ? "array" : typeof one);
  assertEquals(
    [...new Set(types)].sort(),
    ["array", "boolean", "number", "object", "string"],
  );
});

Deno.test("the Evaluations' stats are what their Logs say, and their Runs disagree", () => {
  for (const evaluation of workspace.files[0]!.evaluations) {
    const { logs } = evaluation;
    const all = Array.from(
      { length: logs.length },
      (_, i) => JSON.parse(logs.at(i)!),
    );
    const { run_stats } = JSON.parse(evaluation.stats);
    for (const { run_id, evaluator_stats } of run_stats) {
      for (const stats of evaluator_stats) {
        const judgments = all.filter((one) => one.run_id === run_id)
          .flatMap((one) => one.evaluator_logs)
          .filter(({ evaluator }) =>
            evaluator.version_id === stats.evaluator_version_id
          ).map(({ judgment }) => judgment);
        assertEquals(resultsOf(judgments, stats), stats);
      }
    }
    const outputs = all.map(({ log }) => log.output);
    const disagree = outputs.filter((one, i) =>
      i % 2 === 0 && one !== outputs[i + 1]
    );
    assert(disagree.length > 0 && disagree.length < outputs.length / 4);
  }
});

/** Returns the stats of judgments, with the members that `like` has. */
function resultsOf(all: readonly unknown[], like: object) {
  const judgments = all.filter((one) => one !== null);
  const count = (value: unknown) =>
    judgments.flat().filter((one) => one === value).length;
  const numbers = judgments.map(Number).toSorted((a, b) => a - b);
  const sum = numbers.reduce((total, one) => total + one, 0);
  const mean = sum / numbers.length;
  const spread = numbers.reduce((total, one) => total + (one - mean) ** 2, 0);
  const options = "num_judgments_per_option" in like
    ? Object.keys(like.num_judgments_per_option as object)
    : [];
  const values = {
    total_logs: all.length,
    num_judgments: judgments.length,
    num_nulls: 0,
    num_errors: all.length - judgments.length,
    num_true: count(true),
    num_false: count(false),
    mean: Number(mean.toFixed(3)),
    sum,
    std: Number(Math.sqrt(spread / numbers.length).toFixed(3)),
    percentiles: {
      "50": numbers[Math.floor(numbers.length * 0.5)],
      "95": numbers[Math.floor(numbers.length * 0.95)],
    },
    num_judgments_per_option: Object.fromEntries(
      options.map((name) => [name, count(name)]),
    ),
  };
  const known = new Map<string, unknown>(Object.entries(values));
  return Object.fromEntries(
    Object.entries(like).map(([name, one]) => [name, known.get(name) ?? one]),
  );
}

Deno.test("pretty-printing adds white space only", () => {
  const text = `{"a":[1,1.0,"{,}\\\\\\""],"b":{},"c":[]}`;
  const pretty = prettyPrint(text);
  assertEquals(JSON.parse(pretty), JSON.parse(text));
  assertEquals(pretty.includes("\r\n"), true);
});
