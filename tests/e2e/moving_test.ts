/** A list of Logs that changes while it is read. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import type { Workspace } from "../../src/demo/workspace.ts";
import {
  asksForLogs,
  datedLogs,
  MemoryExport,
  workspaceOf,
} from "../helpers/memory_export.ts";
import { type Ended, run } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readTree,
  tempDir,
} from "../helpers/tree.ts";

const env = { HUMANLOOP_API_KEY: DEMO_KEY };

/** Makes a workspace of one File, whose Logs (newest first) the test may change. */
function moving(logs: string[]): Workspace {
  const { directories, files } = sampleWorkspace();
  const draft = files.at(-1)!;
  return { directories, files: [{ ...draft, logs, bareLogs: logs }] };
}

const log = (n: number | string) => `{"id":"log_${n}"}`;
const oldLogs = (length: number) =>
  Array.from({ length }, (_, i) => log(length - i));

async function exportMoving(
  options: {
    readonly logs: string[];
    /** Before the Logs' request number `n`, from 1. */
    readonly onRequest: (n: number, url: URL) => Response | void;
  },
  check: (root: string, ended: Ended, workspace: Workspace) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  const workspace = moving(options.logs);
  let n = 0;
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    before: (url) =>
      url.pathname === "/v5/logs"
        ? options.onRequest(++n, url) ?? undefined
        : undefined,
  });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  const ended = await run([...args, "--concurrency", "2"], { env });
  await check(await onlyExport(dir.path), ended, workspace);
}

for (
  const [name, change] of [
    ["grows at its head", (logs: string[]) => void logs.unshift(log("new"))],
    ["loses its newest", (logs: string[]) => void logs.shift()],
    ["loses one long read", (logs: string[]) => void logs.splice(150, 1)],
  ] as const
) {
  Deno.test(`a list that ${name} midway is read again, and is whole`, async () => {
    const logs = oldLogs(2500);
    const onRequest = (n: number) => n === 12 ? change(logs) : undefined;
    await exportMoving(
      { logs, onRequest },
      async (root, { code, err }, workspace) => {
        assertEquals(code, 0, err);
        await assertTree(root, expectedTree(workspace, { logs: true }));
      },
    );
  });
}

Deno.test("a list that loses a record and gets one midway holds once each that was there throughout", async () => {
  const logs = oldLogs(2500);
  const lost = logs[150]!;
  const onRequest = (n: number) => {
    if (n !== 12) return;
    logs.splice(150, 1);
    logs.unshift(log("new"));
  };
  await exportMoving({ logs, onRequest }, async (root, { code }) => {
    assertEquals(code, 0);
    const lines = [...(await readTree(root)).entries()]
      .filter(([path]) => path.includes("/logs/"))
      .flatMap(([, text]) => text.trimEnd().split("\n"));
    const throughout = lines.filter((line) =>
      line !== lost && line !== log("new")
    );
    assertEquals(
      throughout.sort(),
      oldLogs(2500).filter((one) => one !== lost).sort(),
    );
  });
});

Deno.test("the unchanged prefix of a list that changed is kept: only what is behind it is read again", async () => {
  const logs = oldLogs(5500);
  const asked: number[] = [];
  let changed = false;
  const onRequest = (_: number, { searchParams }: URL) => {
    const page = Number(searchParams.get("page"));
    const size = Number(searchParams.get("size"));
    const from = (page - 1) * size;
    if (changed && size > 1) asked.push(from);
    // All is read up to there by now, and 3 chunks are on disk.
    if (from < 4800 || changed) return;
    changed = true;
    logs.splice(3500, 1);
  };
  await exportMoving(
    { logs, onRequest },
    async (root, { code, err }, workspace) => {
      assertEquals(code, 0, err);
      assertStringIncludes(err, "warn: reading the Logs of");
      await assertTree(root, expectedTree(workspace, { logs: true }));
      const repeated = asked.filter((from) => from < 2900);
      // A few single records show how much is unchanged.
      assert(
        repeated.length < 5,
        `${repeated.length} pages were asked for again`,
      );
    },
  );
});

Deno.test("a list that never stops changing is exit 3 and says so", async () => {
  const logs = oldLogs(2500);
  const onRequest = (n: number) => void logs.unshift(log(`new_${n}`));
  await exportMoving({ logs, onRequest }, async (root, { code, out, err }) => {
    assertEquals(code, 3);
    assertStringIncludes(
      out,
      "logs: the source kept changing while it was read",
    );
    assertStringIncludes(err, "warn: reading the Logs of");
    const paths = [...(await readTree(root)).keys()];
    assert(!paths.some((path) => path.endsWith("/.done")), "it is not done");
  });
});

Deno.test("Logs that arrive after the cut-off shift nothing, and are read behind the others", async () => {
  const logs = oldLogs(2500);
  const fresh: string[] = [];
  const onRequest = (n: number, url: URL) => {
    if (n % 3 === 1) fresh.unshift(log(`new_${n}`));
    if (url.searchParams.has("end_date")) return;
    const isLater = url.searchParams.has("start_date");
    const all = isLater ? fresh : [...fresh, ...logs];
    const [page, size] = ["page", "size"].map((name) =>
      Number(url.searchParams.get(name))
    );
    const records = all.slice((page! - 1) * size!, page! * size!);
    return new Response(
      `{"records":[${records}],"page":${page},"size":${size},"total":${all.length}}`,
    );
  };
  await exportMoving({ logs, onRequest }, async (root, { code, err }) => {
    assertEquals(code, 0, err);
    assert(fresh.length > 5, "Logs kept arriving");
    const lines = [...(await readTree(root)).entries()]
      .filter(([path]) => path.includes("/logs/"))
      .sort(([a], [b]) => a < b ? -1 : 1)
      .flatMap(([, text]) => text.trimEnd().split("\n"));
    assertEquals(lines.slice(0, 2500), logs);
    const later = lines.slice(2500);
    assert(later.length > 0 && later.every((one) => fresh.includes(one)));
  });
});

for (
  const [name, isRefused] of [
    ["", false],
    [", also where the page that would show it fails", true],
  ] as const
) {
  Deno.test(`a chunk that is read again does not hide that the list moved between it and the next one${name}`, async () => {
    const logs = datedLogs(2_500);
    const made = new MemoryExport(workspaceOf(logs));
    const [{ id } = { id: "" }] = made.workspace.files;
    const dir = `files/${id}/logs`;
    assertEquals((await made.begin()).code, 0);
    made.put(`${dir}/1.jsonl`, null);
    // The total and the last offsets stay the same; log_999 is behind offset 999 now.
    logs.splice(1_500, 1);
    logs.splice(100, 0, logs[100]!.replace("log_100", "log_late"));
    const { code, err } = await made.resume({
      before: (url) =>
        isRefused && asksForLogs(url, id) &&
          url.searchParams.get("size") === "3"
          ? new Response("{}", { status: 404 })
          : undefined,
    });
    // What left the source is kept beside it.
    assertEquals(code, 3);
    assertStringIncludes(err, "both are kept");
    assertEquals(made.lines(dir), logs);
  });
}
