import { assert, assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { jsonText, prettyPrint, raw } from "../../src/demo/raw_json.ts";
import { AGENT, CLASSIFIER, FLOW } from "../../src/demo/sample/files.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";

const workspace = sampleWorkspace();

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
    assertEquals(log[file.type].version_id, file.versions[0]!["version_id"]);
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
});

Deno.test("pretty-printing adds white space only", () => {
  const text = jsonText({ a: [1, raw("1.0"), '{,}\\"'], b: {}, c: [] });
  const pretty = prettyPrint(text);
  assertEquals(JSON.parse(pretty), JSON.parse(text));
  assertEquals(pretty.includes("\r\n"), true);
});
