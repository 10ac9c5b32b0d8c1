import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import { holdsLogs } from "../helpers/poison.ts";
import { EXPORT_ARGS, runInMemory } from "../helpers/memory_run.ts";

const workspace = sampleWorkspace();
const PLAN = ["plan", "--api-url", "http://127.0.0.1/v5"];

async function planned(
  args: readonly string[],
  before: (url: URL) => Response | undefined = () => undefined,
) {
  const disk = new MemoryDisk();
  const asked: string[] = [];
  const ended = await runInMemory([...PLAN, ...args], {
    disk,
    workspace,
    before: (url) => {
      asked.push(url.pathname + url.search);
      return before(url);
    },
  });
  assertEquals([...disk.files("/").keys()], [], "a plan writes nothing");
  return { ...ended, asked };
}

Deno.test("a plan counts what an export then brings, by one request a list", async () => {
  const { code, out, asked } = await planned(["--logs", "--json"]);
  assertEquals(code, 0);
  assertEquals(new Set(asked).size, asked.length, "nothing is asked twice");
  const plan: Plan = JSON.parse(out);
  assertEquals(plan.asked, asked.length - 1, "the API was reached first");
  const disk = new MemoryDisk();
  let requests = 0;
  const args = EXPORT_ARGS.map((arg) => arg === "--quiet" ? "--json" : arg);
  const exported = await runInMemory(args, {
    disk,
    workspace,
    before: () => (requests++, undefined),
  });
  const { records, files } = JSON.parse(exported.out);
  const { total } = plan;
  assertEquals(total.files, files.exported);
  for (
    const kind of [
      "versions",
      "datapoints",
      "evaluations",
      "evaluationLogs",
      "logs",
    ] as const
  ) assertEquals(total[kind], records[kind], kind);
  const share = total.requests / requests;
  assert(share > 0.85 && share < 1.15, `${total.requests} of ${requests}`);
  const types = Object.values(plan.byType);
  assertEquals(types.reduce((sum, { logs }) => sum + logs, 0), total.logs);
});

Deno.test("a plan is a table for people, with the filters and without Logs unless they are wanted", async () => {
  const { code, out } = await planned(["--type", "prompt"]);
  assertEquals(code, 0);
  const lines = out.split("\n");
  assert(/^ +Files +Versions +Datapoints/.test(lines[0]!), out);
  assert(/^prompt +4 +12 +0 +2 +0 +0 /.test(lines[1]!), out);
  assert(/^all +4 /.test(lines[2]!), out);
  assertStringIncludes(out, "all but Logs, only --type prompt\nWithout Logs");
  assert(lines.every((line) => line.length <= 100));
});

Deno.test("what cannot be counted is printed: exit 3", async () => {
  const { code, out } = await planned(
    ["--logs"],
    (url) =>
      url.pathname === "/v5/logs" &&
        url.searchParams.get("file_id") === CLASSIFIER.id
        ? Response.json({ detail: "no" }, { status: 403 + 1 })
        : undefined,
  );
  assertEquals(code, 3);
  assertStringIncludes(
    out,
    `not counted: Logs of ${CLASSIFIER.path}: HTTP 404`,
  );
});

Deno.test("a first record that cannot be served does not hide the count", async () => {
  const poisoned = (url: URL) =>
    holdsLogs(url, CLASSIFIER.id, [0])
      ? new Response("", { status: 500 })
      : undefined;
  const { code, out } = await planned(["--logs", "--json"], poisoned);
  const plan: Plan = JSON.parse(out);
  assertEquals([code, plan.unknown], [0, []]);
  assertEquals(plan.total.logs, 4_422);
});

Deno.test("a plan ends as an export does: a refused key, an unknown Directory, wrong usage", async () => {
  const disk = new MemoryDisk();
  const key = `${DEMO_KEY}x`;
  const refused = await runInMemory(PLAN, { disk, workspace, key });
  assertEquals(refused.code, 5);
  const unknown = await planned(["--directory", "dir_nowhere"]);
  assertEquals(unknown.code, 2);
  assertStringIncludes(
    unknown.err,
    "the workspace has no Directory dir_nowhere",
  );
  const resumed = await planned(["--resume", "x"]);
  assertEquals(resumed.code, 2);
});
