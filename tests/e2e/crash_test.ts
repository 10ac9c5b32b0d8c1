/**
 * A run that dies at any operation on the disk, whatever it was doing: exporting
 * again, adding Logs, filling gaps, reading a changed list again.
 */
import { assert, assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { type DemoServerOptions, serveDemo } from "../../src/demo/server.ts";
import { sequence, type Workspace } from "../../src/demo/workspace.ts";
import { dyingDisk } from "../helpers/disk.ts";
import { holdsOffset } from "../helpers/poison.ts";
import { run } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readPages,
  tempDir,
  type Tree,
} from "../helpers/tree.ts";

const env = { HUMANLOOP_API_KEY: DEMO_KEY };

/** Returns the sample with short lists, and one that needs three chunks. */
function smallWorkspace(): Workspace {
  const { directories, files } = sampleWorkspace();
  const log = (i: number) => `{"id":"log_${i}","n":1.0}`;
  const point = (i: number) => `{"id":"dp_${i}"}`;
  return {
    directories,
    files: files.map((file, i) => {
      const logs = sequence([2150, 130, 0, 7][i] ?? 1, log);
      return {
        ...file,
        logs,
        bareLogs: logs,
        evaluations: file.evaluations.map((one) => ({
          ...one,
          logs: sequence(1010, (n) => `{"run_id":"r","log":{"id":"${n}"}}`),
        })),
        datapoints: new Map(
          [...file.datapoints].map((
            [id],
            n,
          ) => [id, sequence(n * 1000, point)]),
        ),
      };
    }),
  };
}

interface Scenario {
  readonly name: string;
  /** What the first, undisturbed run is given. */
  readonly before: readonly string[];
  /** What the run that dies is given, and the ones that complete it. */
  readonly then: readonly string[];
  /** How the server behaves in the first run. */
  readonly server?: Partial<DemoServerOptions>;
}

const isBig = (url: URL) =>
  url.pathname === "/v5/logs" && url.searchParams.get("file_id") === BIG;
const workspace = smallWorkspace();
const BIG = workspace.files[0]!.id;

const SCENARIOS: readonly Scenario[] = [
  { name: "a new export", before: [], then: ["--logs"] },
  { name: "adding Logs", before: ["--no-logs"], then: ["--logs"] },
  {
    name: "filling gaps",
    before: ["--logs"],
    then: [],
    server: {
      before: (url) =>
        isBig(url) &&
          [250, 399, 1450, 2150].some((offset) => holdsOffset(url, offset))
          ? Response.json({ detail: "poison" }, { status: 410 })
          : undefined,
    },
  },
  {
    name: "a list that is read again",
    before: ["--logs"],
    then: [],
    server: { total: (url, total) => isBig(url) ? total - 1 : total },
  },
];

for (const { name, before, then, server } of SCENARIOS) {
  Deno.test(`${name}, dying at any operation on the disk, is completed by a resume`, async () => {
    const whole = expectedTree(workspace, { logs: true });
    /** What the pages must be, made from a complete export. */
    let pages: Tree = new Map();
    let deaths = 0;
    const step = 1 + Date.now() % 13;
    for (let at = step;; at += 13) {
      await using dir = await tempDir();
      let first = true;
      await using demo = serveDemo(workspace, {
        key: DEMO_KEY,
        before: (url, request) =>
          first ? server?.before?.(url, request) : undefined,
        total: (url, total) =>
          first ? server?.total?.(url, total) ?? total : total,
      });
      const api = ["--api-url", demo.url];
      const output = [...api, "--output", dir.path];
      const disk = dyingDisk(at);
      let died;
      if (before.length > 0) {
        await run([...output, ...before], { env });
        first = false;
        const root = await onlyExport(dir.path);
        died = await run(["--resume", root, ...then], {
          env,
          disk,
        });
      } else {
        first = false;
        died = await run([...output, ...then], { env, disk });
        // What the very first operation makes is the export's directory.
        if (died.code === 2) continue;
      }
      assert(died.code <= 1, `operation ${at}: exit ${died.code}, ${died.err}`);
      const root = await onlyExport(dir.path);
      const names = await Array.fromAsync(Deno.readDir(root));
      // The machine was off before the settings were kept.
      if (!names.some(({ name }) => name === "export.json")) continue;
      const resumed = await run(["--resume", root, ...api, ...then], { env });
      assertEquals(resumed.code, 0, `operation ${at}: ${resumed.err}`);
      await assertTree(root, whole);
      if (pages.size === 0) {
        assertEquals((await run(["index", root])).code, 0);
        pages = await readPages(root);
      }
      assertEquals(await readPages(root), pages, `operation ${at}`);
      if (died.code === 0) break;
      deaths++;
    }
    assert(deaths > 3, `it died only ${deaths} times`);
  });
}
