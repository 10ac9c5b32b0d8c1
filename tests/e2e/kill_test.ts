import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { start } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  tempDir,
} from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const env = { HUMANLOOP_API_KEY: DEMO_KEY };
const whole = expectedTree(workspace, { logs: true });

/** Pages of the long list of Logs that lie in chunks that are on disk. */
async function finishedPages(root: string): Promise<Set<string>> {
  const pages = new Set<string>();
  const dir = join(root, "files", CLASSIFIER.id, "logs");
  for (let chunk = 1; chunk <= 3; chunk++) {
    const there = await Deno.stat(join(dir, `${chunk}.jsonl`))
      .then(() => true, () => false);
    for (let page = chunk * 10 - 9; there && page <= chunk * 10; page++) {
      pages.add(String(page));
    }
  }
  return pages;
}

/** Others each time; the name of a test says which. */
const FIRST = 5 + Date.now() % 10;
for (let killAt = FIRST; killAt <= 104; killAt += 10) {
  Deno.test(`kill -9 at request ${killAt}, then --resume: the tree of an undisturbed run`, async () => {
    await using dir = await tempDir();
    const reached = Promise.withResolvers<void>();
    const asked: string[] = [];
    let requests = 0;
    await using server = serveDemo(workspace, {
      key: DEMO_KEY,
      before: async (url) => {
        if (++requests === killAt) reached.resolve();
        if (url.searchParams.get("file_id") === CLASSIFIER.id) {
          if (url.pathname === "/v5/logs" && url.searchParams.has("end_date")) {
            asked.push(url.searchParams.get("page")!);
          }
        }
        // Time for what came before to be written.
        await new Promise((resolve) => setTimeout(resolve, 3));
        return undefined;
      },
    });
    const args = ["--logs", "--api-url", server.url, "--output", dir.path];
    const child = start([...args, "--concurrency", "3"], env);
    await Promise.race([reached.promise, child.ended]);
    child.process.kill("SIGKILL");
    await child.ended;
    assert(requests >= killAt, `only ${requests} requests were made`);

    const root = await onlyExport(dir.path);
    const finished = await finishedPages(root);
    asked.length = 0;
    const { code, err } = await start(["--resume", root, "--quiet"], {
      ...env,
      // A killed run may not have come to write its settings.
      HUMANLOOP_API_URL: server.url,
      EXPORT_LOGS: "true",
    }).ended;
    assertEquals([code, err], [0, ""]);
    await assertTree(root, whole);
    const repeated = asked.filter((page) => finished.has(page));
    assertEquals(repeated, [], "pages of finished chunks were asked for again");
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} once: exit 130 within 2 s, the resume command, and the export can be resumed`, async () => {
    await using dir = await tempDir();
    const reached = Promise.withResolvers<void>();
    let requests = 0;
    let slow = true;
    await using server = serveDemo(workspace, {
      key: DEMO_KEY,
      before: async () => {
        if (++requests === 30) reached.resolve();
        // From here on nothing is answered in time.
        for (let i = 0; i < 300 && slow && requests >= 30; i++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return undefined;
      },
    });
    const args = ["--logs", "--api-url", server.url, "--output", dir.path];
    const child = start(args, env);
    await reached.promise;
    const sentMs = Date.now();
    child.process.kill(signal);
    const { code, err } = await child.ended;
    const tookMs = Date.now() - sentMs;
    slow = false;
    const root = await onlyExport(dir.path);
    assertEquals(code, 130);
    assert(tookMs < 2_000, `it took ${tookMs} ms`);
    assertStringIncludes(err, "Stopping; press Ctrl-C again to stop at once");
    assertStringIncludes(err, `task export --resume ${root}`);
    const resumed = await start(["--resume", root], env).ended;
    assertEquals(resumed.code, 0);
    await assertTree(root, whole);
  });
}
