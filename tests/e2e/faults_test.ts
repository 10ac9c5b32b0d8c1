import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import {
  CLASSIFIER,
  GOLDEN,
  sampleWorkspace,
} from "../../src/demo/sample/sample.ts";
import { chance } from "../../src/demo/sample/expression.ts";
import { type DemoServerOptions, serveDemo } from "../../src/demo/server.ts";
import { holdsLogs, holdsOffset } from "../helpers/poison.ts";
import { type Ended, run } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readManifest,
  readTree,
  tempDir,
} from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const env = { HUMANLOOP_API_KEY: DEMO_KEY };
const whole = expectedTree(workspace, { logs: true });

/** Every retried kind of failure, as a server can show it. */
const FAULTS: ReadonlyArray<() => Response> = [
  ...[408, 425, 429, 500, 502, 503, 504].map((status) => () =>
    new Response("<html>busy</html>", { status })
  ),
  () =>
    new Response("slow down", { status: 429, headers: { "retry-after": "1" } }),
  () => new Response("<html>a proxy's login</html>"),
  () => new Response("<html>a proxy's login</html>", { status: 401 }),
  () => new Response(""),
  () => new Response('{"records":[{"id":"x"'),
  () => new Response("[1,2"),
];

async function exportFrom(
  options: Omit<DemoServerOptions, "key">,
  check: (
    root: string,
    ended: Ended,
    resume: () => Promise<Ended>,
  ) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  await using dir = await tempDir();
  await using server = serveDemo(workspace, { key: DEMO_KEY, ...options });
  const args = ["--logs", "--api-url", server.url, "--output", dir.path];
  const ended = await run([...args, ...more], { env });
  const root = await onlyExport(dir.path);
  await check(root, ended, () => run(["--resume", root], { env }));
}

for (const seed of [1, 2, 3]) {
  Deno.test(`a fifth of all answers fails in every way that is retried (seed ${seed}): the tree is complete`, async () => {
    let n = seed * 10_000;
    /** Failures in a row: the fifth is the one at which a request is given up. */
    const failed = new Map<string, number>();
    const before = ({ href }: URL) => {
      const times = failed.get(href) ?? 0;
      const fails = chance(n++) < 0.2 && times < 4;
      failed.set(href, fails ? times + 1 : 0);
      return fails
        ? FAULTS[Math.floor(chance(n * 31) * FAULTS.length)]!()
        : undefined;
    };
    await exportFrom({ before }, async (root, { code, out }) => {
      assertEquals([code, out.includes("complete")], [0, true], out);
      await assertTree(root, whole);
    });
  });
}

Deno.test("a record that cannot be served: exit 3, one gap that the summary and the log name by the path of its File, its neighbours are there, a resume fills it", async () => {
  let broken = true;
  const asked: URL[] = [];
  const before = (url: URL) => {
    asked.push(url);
    return broken && holdsLogs(url, CLASSIFIER.id, [637])
      ? new Response("", { status: 500 })
      : undefined;
  };
  await exportFrom({ before }, async (root, { code, out, err }, resume) => {
    assertEquals(code, 3);
    assertStringIncludes(out, "Export INCOMPLETE");
    assertStringIncludes(
      out,
      `    ${CLASSIFIER.path} logs (1 record from number 638): HTTP 500\nTo resume: hl-export --resume ${root} --api-url http://127.0.0.1:`,
    );
    const missing = `missing: ${CLASSIFIER.path} logs (1 record`;
    assertStringIncludes(err, missing);
    const log = await Deno.readTextFile(`${root}/export.log`);
    assertStringIncludes(log, missing);
    assertEquals((await readManifest(root)).gaps, [{
      fileId: CLASSIFIER.id,
      part: "logs",
      reason: "HTTP 500",
      offset: 637,
      missing: 1,
    }]);
    const tree = await readTree(root);
    const logs = `files/${CLASSIFIER.id}/logs`;
    assertEquals(tree.has(`files/${CLASSIFIER.id}/.done`), false);
    assertEquals(tree.get(`${logs}/2.jsonl`), whole.get(`${logs}/2.jsonl`));
    const lines = whole.get(`${logs}/1.jsonl`)!.split("\n");
    lines.splice(637, 1);
    assertEquals(tree.get(`${logs}/1.jsonl`) === lines.join("\n"), true);

    const still = await resume();
    assertEquals([still.code, still.out.includes("number 638")], [3, true]);

    broken = false;
    asked.length = 0;
    assertEquals((await resume()).code, 0);
    await assertTree(root, whole);
    const logsAsked = asked.filter(({ pathname, searchParams }) =>
      pathname === "/v5/logs" && searchParams.get("file_id") === CLASSIFIER.id
    );
    // The chunk is read again as a whole, and nothing else of the list.
    assert(logsAsked.length <= 13, `${logsAsked.length} requests`);
  });
});

Deno.test("a first record that cannot be served is one gap of every list", async () => {
  let broken = true;
  const hasLogs = ({ searchParams }: URL) => {
    const id = searchParams.get("file_id");
    return workspace.files.some((file) => file.id === id && file.logs.length);
  };
  const before = (url: URL) =>
    broken && url.pathname === "/v5/logs" && holdsOffset(url, 0) &&
      hasLogs(url) && !url.searchParams.has("start_date")
      ? new Response("", { status: 500 })
      : undefined;
  await exportFrom({ before }, async (root, { code, out }, resume) => {
    assertEquals(code, 3);
    const tree = await readTree(root);
    for (const { id, type, text, logs } of workspace.files) {
      if (type === "dataset" || logs.length === 0) continue;
      assertStringIncludes(
        out,
        `${JSON.parse(text).path} logs (1 record from number 1): HTTP 500`,
      );
      const path = `files/${id}/logs/1.jsonl`;
      const lines = whole.get(path)!.split("\n").slice(1).join("\n");
      assertEquals((tree.get(path) ?? "") === lines, true, path);
    }
    broken = false;
    assertEquals((await resume()).code, 0);
    await assertTree(root, whole);
  });
});

Deno.test("records missing from one chunk, from its end and from the list's are filled in any order", async () => {
  let broken = [1250, 1251, 1400, 1999, 2000, 3511];
  const before = (url: URL) =>
    holdsLogs(url, CLASSIFIER.id, broken)
      ? new Response("", { status: 502 })
      : undefined;
  await exportFrom({ before }, async (root, { code, out }, resume) => {
    assertEquals(code, 3);
    assertStringIncludes(out, "(2 records from number 1251)");
    for (const left of [[1250, 1400, 3511], [1250, 3511], [1250], []]) {
      broken = left;
      const { code } = await resume();
      assertEquals(code, left.length === 0 ? 0 : 3);
    }
    await assertTree(root, whole);
  });
});

Deno.test("a gap is filled from its offset although the server sends fewer records a page", async () => {
  // 3,450 Logs: the last page holds 50, as many as a page of the lower cap.
  const [first, ...rest] = workspace.files;
  const logs = Array.from({ length: 3450 }, (_, i) => `{"id":"log_${i}"}`);
  const held = {
    ...workspace,
    files: [{ ...first!, logs, bareLogs: logs }, ...rest],
  };
  let broken = true;
  const args = ["--logs", "--api-url"];
  const before = (url: URL) =>
    broken && holdsLogs(url, CLASSIFIER.id, [3440, 3449])
      ? new Response("", { status: 500 })
      : undefined;
  await using dir = await tempDir();
  let root: string;
  let url: string;
  {
    await using server = serveDemo(held, { key: DEMO_KEY, before });
    url = server.url;
    const ended = await run([...args, url, "--output", dir.path], { env });
    assertEquals(ended.code, 3);
    root = await onlyExport(dir.path);
  }
  broken = false;
  await using server = serveDemo(held, { key: DEMO_KEY, sizeCap: 50 });
  const redirected: typeof fetch = (input, init) =>
    fetch(String(input).replace(url, server.url), init);
  const { code } = await run(["--resume", root], { env, fetch: redirected });
  assertEquals(code, 0);
  await assertTree(root, expectedTree(held, { logs: true }));
});

Deno.test("a total that promises more than there is: exit 3, no .done", async () => {
  const total = (url: URL, total: number) =>
    url.searchParams.get("file_id") === CLASSIFIER.id && total > 100
      ? total + 250
      : total;
  await exportFrom({ total }, async (root, { code, out }) => {
    assertEquals(code, 3);
    assertStringIncludes(
      out,
      "logs (250 records from number 3513): the page holds 0 of 1 records",
    );
    const tree = await readTree(root);
    assertEquals(tree.has(`files/${CLASSIFIER.id}/.done`), false);
    const logs = `files/${CLASSIFIER.id}/logs/4.jsonl`;
    assertEquals(tree.get(logs) === whole.get(logs), true);
  });
});

Deno.test("a total that is too low: exit 3, then whole when it is right", async () => {
  let lying = true;
  const total = (url: URL, total: number) =>
    lying && url.searchParams.get("file_id") === CLASSIFIER.id && total > 100
      ? total - 5
      : total;
  await exportFrom({ total }, async (root, { code, out }, resume) => {
    assertEquals(code, 3);
    assertStringIncludes(out, "the API says 3507 records, the list holds 3512");
    lying = false;
    assertEquals((await resume()).code, 0);
    await assertTree(root, whole);
  });
});

for (const sizeCap of [30, 50, 7, 1000]) {
  Deno.test(`a server that gives at most ${sizeCap} records a page: the tree is the same`, async () => {
    const asked: string[] = [];
    const before = (url: URL) =>
      void asked.push(`${url.pathname} ${url.searchParams.get("page")}`);
    await exportFrom({ sizeCap, before }, async (root, { code }) => {
      assertEquals(code, 0);
      await assertTree(root, whole);
    });
  });
}

Deno.test("one Evaluation's failing stats cost only them", async () => {
  const before = (url: URL) =>
    url.pathname.endsWith("/stats")
      ? Response.json({ detail: "no stats" }, { status: 404 })
      : undefined;
  await exportFrom({ before }, async (root, { code, out }) => {
    assertEquals(code, 3);
    assertStringIncludes(out, `stats: {"detail":"no stats"}`);
    const tree = await readTree(root);
    for (const path of whole.keys()) {
      const missing = path.endsWith("stats.json") ||
        path === `files/${CLASSIFIER.id}/.done`;
      assertEquals(tree.has(path), !missing, path);
    }
  });
});

Deno.test("a record of the list of Files that fails is reported, though no File failed", async () => {
  const files = Array.from({ length: 150 }, (_, i) => {
    const { logs: _logs, ...file } = workspace.files.at(-1)!;
    const id = `pr_${i}`;
    return {
      ...file,
      id,
      text: file.text.replace(workspace.files.at(-1)!.id, id),
      logs: [],
      bareLogs: [],
    };
  });
  await using dir = await tempDir();
  await using server = serveDemo({ ...workspace, files }, {
    key: DEMO_KEY,
    before: (url) =>
      url.pathname === "/v5/files" && holdsOffset(url, 120)
        ? new Response("", { status: 500 })
        : undefined,
  });
  const args = ["--api-url", server.url, "--output", dir.path];
  const { code, out } = await run(args, { env });
  assertEquals(code, 3);
  assertStringIncludes(
    out,
    "149 exported, 0 skipped (complete already), 0 failed",
  );
  assertStringIncludes(out, "files (1 record from number 121): HTTP 500");
});

Deno.test("ids that are not safe file names are refused with a gap, and nothing leaves the tree", async () => {
  const bad = (text: string, id: string) => text.replace(id, "../../evil");
  const [first, ...rest] = workspace.files;
  const version = first!.versions[0]!;
  const versions = [
    { id: "../../evil", text: bad(version.text, version.id) },
    ...first!.versions.slice(1),
  ];
  const draft = rest.at(-1)!;
  const files = [
    { ...first!, versions },
    { ...draft, text: bad(draft.text, draft.id) },
  ];
  await using dir = await tempDir();
  await using server = serveDemo({ ...workspace, files }, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", `${dir.path}/a/b`];
  const { code, out } = await run(args, { env });
  assertEquals(code, 3);
  assertStringIncludes(out, `versions: the id "../../evil" is not safe`);
  assertStringIncludes(out, `files: the id "../../evil" is not safe`);
  const paths = (await readTree(dir.path)).keys();
  for (const path of paths) assert(!path.includes("evil"), path);
});

Deno.test("an API that answers nothing but errors: exit 3, and no directory", async () => {
  await using dir = await tempDir();
  const before = () => new Response("", { status: 503 });
  await using server = serveDemo(workspace, { key: DEMO_KEY, before });
  const args = ["--api-url", server.url, "--output", dir.path];
  const { code, err } = await run([...args, "--patience", "30s"], { env });
  assertEquals(code, 3);
  assertStringIncludes(err, "HTTP 503");
  assertStringIncludes(err, "Nothing was saved; start again.");
  assertEquals(await Array.fromAsync(Deno.readDir(dir.path)), []);
});

Deno.test("an unfinished File is not called deleted when the Files cannot be listed", async () => {
  let listed = true;
  const before = (url: URL) => {
    if (url.searchParams.get("file_id") === CLASSIFIER.id && listed) {
      return new Response("", { status: 404 });
    }
    const isFirst = url.searchParams.get("size") === "1";
    return listed || isFirst || url.pathname !== "/v5/files"
      ? undefined
      : new Response("", { status: 404 });
  };
  await exportFrom({ before }, async (_, { code }, resume) => {
    assertEquals(code, 3);
    listed = false;
    const { code: second, out } = await resume();
    assertEquals(second, 3);
    assertStringIncludes(
      out,
      `${CLASSIFIER.path} file: the File is incomplete on disk and not all Files could be listed`,
    );
  });
});

Deno.test("absent and null optional fields are no error", async () => {
  const strip = (text: string) => {
    const { environments: _, ...rest } = JSON.parse(text);
    return JSON.stringify(rest);
  };
  const golden = workspace.files.find(({ id }) => id === GOLDEN.id)!;
  const versions = golden.versions.map(({ id, text }, i) => ({
    id,
    text: i === 0
      ? JSON.stringify({ ...JSON.parse(text), environments: null, new: 1 })
      : strip(text),
  }));
  const file = { ...golden, versions };
  await using dir = await tempDir();
  const changed = { ...workspace, files: [file] };
  await using server = serveDemo(changed, { key: DEMO_KEY });
  const args = ["--api-url", server.url, "--output", dir.path];
  assertEquals((await run(args, { env })).code, 0);
  const root = await onlyExport(dir.path);
  await assertTree(root, expectedTree(changed, { logs: true }));
});

Deno.test("Evaluations that cannot be listed again stay on disk", async () => {
  const [first] = workspace.files;
  const evaluations = Array.from({ length: 130 }, (_, i) => ({
    ...first!.evaluations[1]!,
    id: `evr_${i}`,
    text: `{"id":"evr_${i}"}`,
    logs: [],
  }));
  const files = [{ ...first!, evaluations, logs: [], bareLogs: [] }];
  const held = { ...workspace, files };
  let broken = "versions";
  await using dir = await tempDir();
  await using server = serveDemo(held, {
    key: DEMO_KEY,
    before: (url) =>
      url.pathname.includes(broken) && url.searchParams.get("page") !== "1"
        ? Response.json({ detail: "gone" }, { status: 410 })
        : undefined,
  });
  const args = ["--api-url", server.url, "--output", dir.path];
  assertEquals((await run(args, { env })).code, 3);
  const root = await onlyExport(dir.path);
  const count = async () =>
    [...(await readTree(root)).keys()]
      .filter((path) => path.endsWith("evaluation.json")).length;
  assertEquals(await count(), 130);
  broken = "/v5/evaluations";
  assertEquals((await run(["--resume", root], { env })).code, 3);
  assertEquals(await count(), 130);
  broken = "nothing";
  assertEquals((await run(["--resume", root], { env })).code, 0);
  await assertTree(root, expectedTree(held, { logs: false }));
});
