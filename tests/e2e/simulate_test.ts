/**
 * Seeded runs against a server and a disk that misbehave in every way at once,
 * resumed until they are complete. The invariant: exit 0 means the server's set
 * byte for byte, exit 3 means that every File that differs is listed.
 */
import { assert, assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/demo/command.ts";
import { chance } from "../../src/demo/sample/parts.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import type { DemoFile, Workspace } from "../../src/demo/workspace.ts";
import { dyingDisk } from "../helpers/disk.ts";
import { type Ended, run } from "../helpers/program.ts";
import {
  expectedTree,
  onlyExport,
  readManifest,
  readTree,
  tempDir,
  type Tree,
} from "../helpers/tree.ts";

const env = { HUMANLOOP_API_KEY: DEMO_KEY };
/** TEST_SEED=1000 TEST_SEEDS=400 runs others, and more of them. */
const SEEDS = Number(Deno.env.get("TEST_SEEDS") ?? 20);
const FIRST_SEED = Number(Deno.env.get("TEST_SEED") ?? 1);

/** Numbers by a seed. */
class Dice {
  #n = 0;
  constructor(readonly seed: number) {}
  share(): number {
    return chance(this.seed * 7919 + this.#n++);
  }
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }
  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const LENGTHS = [0, 1, 7, 99, 100, 101, 250, 999, 1000, 1001, 1100, 2000, 2345];

function makeWorkspace(dice: Dice): Workspace {
  const { directories, files } = sampleWorkspace();
  const list = (name: string, length: number) =>
    Array.from({ length }, (_, i) => `{"id":"${name}_${i}","n":1.0}`);
  const made = files.slice(0, 3 + dice.below(9)).map((file): DemoFile => {
    const logs = list("log", dice.oneOf(LENGTHS));
    return {
      ...file,
      logs,
      bareLogs: logs,
      evaluations: file.evaluations.map((one) => ({
        ...one,
        logs: list("e", dice.oneOf(LENGTHS)).map((text) =>
          `{"run_id":"r","log":${text}}`
        ),
      })),
      datapoints: new Map(
        [...file.datapoints.keys()].map((id) => [
          id,
          list("dp", dice.oneOf(LENGTHS)),
        ]),
      ),
    };
  });
  return { directories, files: made };
}

const PASSING: ReadonlyArray<() => Response> = [
  () => new Response("", { status: 503 }),
  () => new Response("<html>", { status: 502 }),
  () => new Response("", { status: 429, headers: { "retry-after": "1" } }),
  () => new Response("<html>login</html>"),
  () => new Response('{"records":['),
];

/** A server's bad day. */
function faults(dice: Dice) {
  const rate = dice.oneOf([0, 0, 0.05, 0.3]);
  const poisoned = dice.below(3) === 0 ? 1 + dice.below(12) : 0;
  const lie = dice.below(4) === 0 ? dice.oneOf([-3, 5, 120]) : 0;
  const revokedAt = dice.below(6) === 0 ? 5 + dice.below(40) : Infinity;
  let requests = 0;
  return {
    before: (url: URL): Response | undefined => {
      if (++requests > revokedAt) {
        return Response.json({ detail: "revoked" }, { status: 401 });
      }
      if (Number(url.searchParams.get("page")) === poisoned) {
        return Response.json({ detail: "poison" }, { status: 500 });
      }
      return dice.share() < rate ? dice.oneOf(PASSING)() : undefined;
    },
    total: (url: URL, total: number): number =>
      lie !== 0 && total > 5 && url.pathname === "/v5/logs"
        ? total + lie
        : total,
  };
}

async function judge(
  root: string,
  { code, err }: Ended,
  expected: Tree,
  where: string,
): Promise<void> {
  const actual = await readTree(root);
  const paths = new Set([...expected.keys(), ...actual.keys()]);
  const differing = [...paths].filter((path) =>
    actual.get(path) !== expected.get(path)
  );
  if (code === 0) {
    assertEquals(differing, [], where);
    return;
  }
  assert([1, 3, 5].includes(code), `${where}: exit ${code}: ${err}`);
  const vouched = differing.filter((path) => {
    const [, id] = path.split("/");
    // A death may come between .done and the end of the state.
    if (path.endsWith("/.state.json")) return false;
    return path.startsWith("files/") && actual.has(`files/${id}/.done`) &&
      actual.get(`files/${id}/.done`) === expected.get(`files/${id}/.done`);
  });
  assertEquals(vouched, [], `${where}: a File that is done differs`);
  if (code !== 3) return;
  const { gaps } = await readManifest(root);
  const listed = new Set(gaps.map(({ fileId, part }) => fileId ?? part));
  const silent = differing.filter((path) => {
    const [top, id] = path.split("/");
    return !listed.has(top!) && !listed.has(id!);
  });
  assertEquals(silent, [], `${where}: a difference is not listed`);
}

async function simulate(seed: number): Promise<void> {
  const dice = new Dice(seed);
  const workspace = makeWorkspace(dice);
  const expected = expectedTree(workspace, { logs: true });
  await using dir = await tempDir();
  let day: ReturnType<typeof faults> | null = faults(dice);
  const sizeCap = dice.oneOf([Infinity, Infinity, 30, 50]);
  await using server = serveDemo(workspace, {
    key: DEMO_KEY,
    sizeCap,
    before: (url) => day?.before(url),
    total: (url, total) => day?.total(url, total) ?? total,
  });
  const api = ["--api-url", server.url, "--logs", "--concurrency", "5"];
  let args = [...api, "--output", dir.path];
  for (let attempt = 1; attempt <= 5; attempt++) {
    const where = `seed ${seed}, run ${attempt}`;
    if (attempt === 5) day = null;
    else if (attempt > 1) day = faults(dice);
    const mortal = attempt < 5 && dice.below(3) === 0;
    const disk = dyingDisk(mortal ? 1 + dice.below(450) : Infinity);
    const ended = await run(args, { env, disk });
    const names = await Array.fromAsync(Deno.readDir(dir.path));
    if (ended.code === 2 && names.length === 0) continue;
    const root = await onlyExport(dir.path);
    await judge(root, ended, expected, where);
    if (attempt === 5) assertEquals(ended.code, 0, `${where}: ${ended.err}`);
    args = ["--resume", root, ...api];
  }
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
  Deno.test(`simulated seed ${seed}: complete, or every difference listed`, () =>
    simulate(seed));
}
