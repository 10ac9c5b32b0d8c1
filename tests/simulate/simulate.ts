/**
 * One seed: the real program against a server, a disk and a clock that all
 * exist in memory only, through several runs on which things go wrong, and a
 * last one on which nothing does.
 */
import { main } from "../../src/cli/main.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { answerRequest } from "../../src/demo/server.ts";
import type { Manifest } from "../../src/tree/manifest.ts";
import type { Disk, Runtime } from "../../src/core/runtime/runtime.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { throughDisk } from "../helpers/disk.ts";
import { MEMORY_OUTPUT } from "../helpers/memory_run.ts";
import { printedTerminal } from "../helpers/terminal.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import { isBookkeeping, type Tree } from "../helpers/tree.ts";
import { type Dice, diceOf } from "./dice.ts";
import { DISK_IS_JUDGED, DISTURBANCES, OUTSIDE } from "./disturbances.ts";
import { linkedDisk } from "./linked_disk.ts";
import {
  judgeDisk,
  judgeMotion,
  judgeRest,
  judgeSums,
  type Result,
} from "./oracle.ts";
import type { Disturbance, Run, Seed } from "./setup.ts";
import { makeSource, type SourceOptions } from "./source.ts";

/** How a seed ended. */
export interface Verdict {
  readonly wrong: readonly string[];
  /** How the runs ended, for statistics. */
  readonly codes: readonly number[];
  /** The disturbances that the seed met. */
  readonly met: readonly string[];
}

/** Which disturbances a seed may meet. */
export interface Choice {
  /** Just these, in every run; those that are enabled where none are named. */
  readonly only?: readonly string[];
  /** Whether those take part that are not enabled, and the disk is judged. */
  readonly all?: boolean;
  /** Whether what was on disk before a run is looked for after it. */
  readonly disk?: boolean;
}

/** Returns the command that runs one seed again. */
export function replayCommand(
  seed: number,
  { only, all, disk }: Choice = {},
): string {
  const words = (only ?? []).map((name) => ` --only "${name}"`).join("");
  const more = words + (all ? " --all" : "") + (disk ? " --disk" : "");
  return `deno task simulate --first ${seed} --seeds 1${more}`;
}

const RUNS = 5;
const START_MS = Date.UTC(2025, 5, 1);
const DAY_MS = 86_400_000;
const API_URL = "http://127.0.0.1/v5";
/** How a run ends that is switched off. */
const KILLED = -9;
/** How a run is judged that ended before it listed anything. */
const UNREACHED = -3;
/** What is outside of the export, which no run may touch. */
const SENTINELS: Tree = new Map([["file", "outside\n"], ["dir/x", "x\n"]]);

/**
 * Runs one seed.
 *
 * @param number Decides everything.
 */
export async function simulate(
  number: number,
  choice: Choice = {},
): Promise<Verdict> {
  const chosen = DISTURBANCES.filter(({ name, enabled }) =>
    choice.only?.includes(name) ?? (enabled || choice.all)
  );
  const isMoving = choice.only !== undefined || number % 2 === 1;
  const met = new Set<string>();
  /** Returns the dice of a disturbance, if it is part of this. */
  const diceFor = (one: Disturbance, ...matter: number[]): Dice | null => {
    const dice = diceOf(number, one.name, ...matter);
    const share = one.moves && !isMoving
      ? 0
      : choice.only === undefined
      ? one.weight
      : 1;
    if (dice.share() >= share) return null;
    met.add(one.name);
    return dice;
  };
  const ahead = chosen.find(({ name }) => name === "dates ahead");
  const aheadDice = ahead === undefined ? null : diceFor(ahead, 0);
  const movers = chosen.filter(({ moves }) => moves && isMoving);
  const isUnstable = movers.some(({ name }) => name === "unstable ties");
  const seed = makeSeed(number, {
    ...aheadDice !== null &&
      { newestMs: START_MS + aheadDice.below(20 * DAY_MS) },
    // A record that comes again 8,000 later is not among the last ones.
    lengths: isUnstable ? [6_006, 9_000] : [],
  });
  for (const one of chosen) {
    // Whether the source changes is decided for all of a seed already.
    const { seed: prepare, moves } = one;
    if (prepare === undefined || moves && !isMoving) continue;
    const dice = moves ? diceOf(number, one.name, 0) : diceFor(one, 0);
    if (dice !== null) prepare(seed, dice);
  }
  seed.rests = movers.length === 0;
  const codes: number[] = [];
  let nowMs = START_MS;
  for (let n = 1; n <= RUNS; n++) {
    const isLast = n === RUNS;
    const root = onlyExport(seed.disk);
    if (root !== null && n > 1 && !isLast) {
      for (const one of chosen) {
        const dice = one.between ? diceFor(one, n, 1) : null;
        if (dice !== null) one.between!(seed, root, dice);
      }
    }
    const run = makeRun(seed, n, root, nowMs);
    for (const one of isLast ? [] : chosen) {
      const isOfSeed = one.seed !== undefined && one.moves !== true;
      const dice = one.run && !isOfSeed ? diceFor(one, n, 2) : null;
      if (dice !== null) one.run!(run, dice);
    }
    const before = treeOf(seed.disk, root);
    const isLinked = seed.links.size > 0;
    const { code, out, err, endedMs } = await runOnce(run);
    codes.push(code);
    nowMs = endedMs + 60_000;
    seed.disk.restart();
    seed.links.clear();
    // A run that did not reach the API knows nothing of what is missing.
    const isEarly = code === 3 && !err.includes("Export INCOMPLETE");
    const wrong = [
      ...wrongCode(run, { code, isLinked, isLast, before }),
      ...judge(run, before, {
        code: isEarly ? UNREACHED : code,
        disk: choice.disk ?? choice.all ?? DISK_IS_JUDGED,
      }),
    ];
    if (wrong.length > 0) {
      const title = `run ${n} of ${RUNS}, ${
        run.end?.kind ?? "not ended"
      }, exit ${code}, met: ${[...met].join(", ")}`;
      const printed = [out.slice(-1_000), err.slice(-1_500)];
      return {
        wrong: [title, ...wrong.slice(0, 8), ...printed],
        codes,
        met: [...met],
      };
    }
    forgetMended(seed, isEarly ? UNREACHED : code);
    // Nothing was kept yet: a person starts again.
    const isEmpty = code === 2 && !before.has("export.json");
    if (isEmpty && root !== null) await seed.disk.remove(MEMORY_OUTPUT);
  }
  return { wrong: [], codes, met: [...met] };
}

function makeSeed(number: number, options: SourceOptions): Seed {
  const dice = diceOf(number, "source");
  const disk = new MemoryDisk();
  for (const [path, text] of SENTINELS) disk.put(`${OUTSIDE}/${path}`, text);
  return {
    number,
    source: makeSource(dice, options),
    disk,
    links: new Map(),
    bounds: { startIncluded: dice.oneIn(2), endIncluded: dice.oneIn(2) },
    layers: [],
    args: [],
    logsFrom: 1,
    rests: true,
    isOrdered: true,
    losesFiles: false,
    isTouched: false,
    touched: new Set(),
    ignoresDates: false,
    sinceMs: null,
    wants: (file) => file,
  };
}

function makeRun(
  seed: Seed,
  number: number,
  root: string | null,
  nowMs: number,
): Run {
  return {
    ...{ seed, number, root, nowMs },
    layers: [],
    changes: [],
    sizeCap: Infinity,
    totals: [],
    end: null,
    isUnreadable: () => false,
    clockJump: () => 0,
    outputFails: false,
    mayEndWith: new Set(),
  };
}

function manifestOf(disk: MemoryDisk, root: string | null): Manifest | null {
  const text = treeOf(disk, root).get("export.json");
  return text === undefined ? null : JSON.parse(text);
}

/** Whether nothing is missing but records that left the source, and are kept. */
function keepsOld({ disk }: Seed, root: string | null): boolean {
  const { gaps } = manifestOf(disk, root) ?? { gaps: [] };
  // What somebody removed the source may have no more.
  const known = /both are kept|it is kept as|it is in SHA256SUMS and missing/;
  return gaps.length > 0 && gaps.every(({ reason }) => known.test(reason));
}

/** Forgets what was damaged of the Files that a run completed. */
function forgetMended({ disk, touched }: Seed, code: number): void {
  if (code !== 0 && code !== 3) return;
  const { gaps } = manifestOf(disk, onlyExport(disk)) ?? { gaps: [] };
  if (gaps.some(({ fileId, part }) => fileId === null && part === "files")) {
    return;
  }
  const unfinished = new Set(gaps.map(({ fileId }) => `files/${fileId}`));
  for (const file of touched) if (!unfinished.has(file)) touched.delete(file);
}

/** Checks whether a run ended with an exit code that is right for it. */
function wrongCode(
  { seed, end, mayEndWith, root }: Run,
  { code, isLinked, isLast, before }: {
    readonly code: number;
    readonly isLinked: boolean;
    readonly isLast: boolean;
    readonly before: Tree;
  },
): string[] {
  if (isLast) {
    const mayMiss = code === 3 &&
      (seed.losesFiles || keepsOld(seed, root));
    return code === 0 || mayMiss ? [] : [`the last run ended with ${code}`];
  }
  const diskFails = end?.kind === "full disk" ||
    end?.kind === "input/output error";
  const right = new Set([0, 3, ...mayEndWith]);
  if (end?.kind === "kill") right.add(KILLED);
  if (end?.kind === "interrupt") right.add(130);
  if (diskFails) right.add(1);
  if (isLinked) {
    right.add(2);
    right.delete(0);
    right.delete(3);
  }
  // No settings were kept, or no directory could be made.
  if (!before.has("export.json") || root === null && diskFails) right.add(2);
  return right.has(code) ? [] : [`exit ${code} is none that is right here`];
}

/** Finds what is wrong with what a run left. */
function judge(
  run: Run,
  before: Tree,
  { code, disk }: { readonly code: number; readonly disk: boolean },
): string[] {
  const { seed, root } = run;
  const outside = seed.disk.files(OUTSIDE);
  const wrong = [...outside].sort().join() === [...SENTINELS].sort().join()
    ? []
    : ["something outside of the export was touched"];
  const now = onlyExport(seed.disk);
  if (now === null) return wrong;
  const tree = treeOf(seed.disk, now);
  if (disk && root !== null) wrong.push(...judgeDisk(seed, before, tree));
  if ([0, 3].includes(code)) {
    wrong.push(
      ...judgeSums(tree, code, {
        touched: seed.touched,
        isUnreadable: run.isUnreadable,
      }),
    );
  }
  const result = resultOf(run, tree, code);
  return [
    ...wrong,
    ...seed.rests ? judgeRest(seed, result) : judgeMotion(seed, result),
  ];
}

function resultOf(
  { seed, number, root }: Run,
  tree: Tree,
  code: number,
): Result {
  const manifest = tree.get("export.json");
  const parsed: Manifest | null = manifest === undefined
    ? null
    : JSON.parse(manifest);
  const files = [...tree].filter(([name]) => !isBookkeeping(name));
  return {
    code,
    tree: new Map(files),
    gaps: parsed?.gaps ?? [],
    logs: number >= seed.logsFrom,
    isFirst: root === null,
  };
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly endedMs: number;
}

async function runOnce(run: Run): Promise<Ended> {
  const { seed, end } = run;
  const dice = diceOf(seed.number, "run", run.number);
  const clock = new VirtualClock(run.nowMs);
  const killed = Promise.withResolvers<number>();
  let steps = 0;
  let interrupt = () => {};
  /** Runs at every await of the run on the world. */
  const step = async (writes = false): Promise<void> => {
    const n = steps++;
    const jumpMs = run.clockJump(n);
    if (jumpMs !== 0) clock.setBy(jumpMs);
    if (end === null || n < end.atStep) return;
    if (end.kind === "kill") {
      killed.resolve(KILLED);
      await new Promise(() => {});
    }
    const isFirst = n === end.atStep;
    if (end.kind === "interrupt" && isFirst) interrupt();
    if (end.kind === "full disk" && writes) throw diskError("ENOSPC");
    if (end.kind === "input/output error" && writes && isFirst) {
      throw diskError("EIO");
    }
  };
  const terminal = printedTerminal();
  const out = (text: string) => {
    terminal.out(text);
    if (run.outputFails) throw diskError("ENOSPC");
  };
  const runtime: Runtime = {
    fetch: serverOf(run, { dice, clock, step }),
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: async (ms, options) => {
        await step();
        await clock.sleep(ms, options);
      },
    },
    random: () => dice.share(),
    disk: diskOf(run, step),
    terminal: { ...terminal, out },
    env: (name) => name === "HUMANLOOP_API_KEY" ? DEMO_KEY : undefined,
    onInterrupt: (handler) => {
      interrupt = handler;
      return () => {};
    },
    program: "hl-export",
    build: { kind: "source", deno: "", target: "", os: "linux" },
    exit: (code) => void killed.resolve(code) as never,
  };
  const code = await Promise.race([
    main(argsOf(run, dice), runtime),
    killed.promise,
  ]);
  clock.stop();
  return { code, ...terminal.printed, endedMs: clock.monotonicMs() };
}

function argsOf({ seed, root, number }: Run, dice: Dice): string[] {
  const concurrency = String(dice.oneOf([1, 3, 16]));
  return [
    ...root === null
      ? ["--output", MEMORY_OUTPUT, ...seed.args]
      : ["--resume", root],
    ...["--quiet", "--api-url", API_URL, "--concurrency", concurrency],
    ...number >= seed.logsFrom ? ["--logs"] : [],
  ];
}

/** Returns the server, behind everything that is before it. */
function serverOf(
  run: Run,
  { dice, clock, step }: {
    readonly dice: Dice;
    readonly clock: VirtualClock;
    readonly step: () => Promise<void>;
  },
): Runtime["fetch"] {
  const { seed, totals, sizeCap } = run;
  const layers = [...seed.layers, ...run.layers];
  return async (input, init) => {
    const url = new URL(String(input));
    await step();
    await clock.sleep(dice.below(200));
    for (const change of run.changes) change(clock.monotonicMs());
    const { signal } = init ?? {};
    signal?.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), {
        once: true,
      });
    });
    const server = () =>
      answerRequest(seed.source.workspace, {
        ...seed.bounds,
        key: DEMO_KEY,
        sizeCap,
        total: (url, total) =>
          totals.reduce((sum, change) => change(url, sum), total),
      }, new Request(url, { headers: init?.headers ?? {} }));
    const nowMs = clock.monotonicMs();
    const answer = layers.reduce<() => Promise<Response>>(
      (behind, layer) => () => layer(url, nowMs, behind),
      server,
    );
    const response = await Promise.race([answer(), aborted]);
    // What a server's own clock shows.
    response.headers.set("date", new Date(nowMs).toUTCString());
    return response;
  };
}

function diskOf(run: Run, step: (writes: boolean) => Promise<void>): Disk {
  const { seed, isUnreadable, outputFails } = run;
  const disk = throughDisk(
    linkedDisk(seed.disk, seed.links),
    (path, writes) => {
      if (!writes && isUnreadable(path)) throw diskError("EIO");
      return step(writes);
    },
  );
  if (!outputFails) return disk;
  const open: Disk["open"] = async (path, options) => {
    const file = await disk.open(path, options);
    const writeSync = () => {
      throw diskError("ENOSPC");
    };
    return path.endsWith("export.log") ? { ...file, writeSync } : file;
  };
  return new Proxy(disk, {
    get: (target, name) => name === "open" ? open : Reflect.get(target, name),
  });
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code} (os error)`), { code });
}

function onlyExport(disk: MemoryDisk): string | null {
  const [path] = disk.files(MEMORY_OUTPUT).keys();
  return path === undefined ? null : `${MEMORY_OUTPUT}/${path.split("/")[0]}`;
}

function treeOf(disk: MemoryDisk, root: string | null): Tree {
  return root === null ? new Map() : disk.files(root);
}
