/**
 * One seed: the real pipeline against a server, a disk and a clock that all
 * exist in memory only, through several runs on which things go wrong, and a
 * last one on which nothing does.
 */
import { main } from "../../src/cli/main.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { answerRequest } from "../../src/demo/server.ts";
import type { Manifest } from "../../src/tree/manifest.ts";
import type { Disk, DiskFile, Runtime } from "../../src/core/runtime.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { EXPORT_ARGS, MEMORY_OUTPUT } from "../helpers/memory_run.ts";
import { printedTerminal } from "../helpers/terminal.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import { isBookkeeping } from "../helpers/tree.ts";
import { type BadDay, badDay, GOOD_DAY, makePoison } from "./bad_day.ts";
import { Dice } from "./dice.ts";
import { judgeMotion, judgeRest, judgeSums, type Outcome } from "./oracle.ts";
import { change, makeSource, type Source } from "./source.ts";

/** How a seed ended. */
export interface Verdict {
  readonly wrong: readonly string[];
  /** How the runs ended, for statistics. */
  readonly codes: readonly number[];
}

/** The command that runs one seed again. */
export function replayCommand(seed: number): string {
  return `deno task simulate --from ${seed} --seeds 1`;
}

const RUNS = 5;
const START_MS = Date.UTC(2025, 5, 1);
/** How a run ends that is switched off. */
const KILLED = -9;

/** What happens to a run at one of its awaits. */
type End = "kill" | "interrupt" | "full disk" | "input/output error" | "none";

/**
 * Runs one seed. With an odd one, the source changes while it is read.
 *
 * @param seed Decides everything.
 */
export async function simulate(seed: number): Promise<Verdict> {
  const moving = seed % 2 === 1;
  const dice = new Dice(seed);
  const source = makeSource(dice);
  const poison = makePoison(dice);
  const disk = new MemoryDisk();
  const codes: number[] = [];
  let nowMs = START_MS;
  for (let run = 1; run <= RUNS; run++) {
    const last = run === RUNS;
    const day = last ? GOOD_DAY : badDay(dice, nowMs, poison);
    const end: End = last || !dice.oneIn(2)
      ? "none"
      : dice.oneOf(["kill", "interrupt", "full disk", "input/output error"]);
    const rate = moving && !last ? dice.oneOf([0, 0.01, 0.1, 0.5]) : 0;
    const root = await onlyExport(disk);
    const { code, err, clock } = await oneRun({
      dice,
      source,
      disk,
      day,
      end,
      nowMs,
      rate,
      root,
    });
    codes.push(code);
    nowMs = clock.now() + 60_000;
    disk.restart();
    if (code === 2 && root !== null) {
      // Nothing was kept yet; a person starts anew.
      await disk.remove(MEMORY_OUTPUT);
    }
    const outcome = await look(disk, code);
    if (outcome === null) continue;
    const wrong = [
      ...outcome.wrongSums,
      ...moving ? judgeMotion(source, outcome) : judgeRest(source, outcome),
    ];
    if (last && code !== 0) wrong.push(`the last run ended with exit ${code}`);
    if (code === 1 && !["full disk", "input/output error"].includes(end)) {
      wrong.push(`exit 1 out of the blue`);
    }
    if (wrong.length > 0) {
      const where = `run ${run} of ${RUNS}, ${end}, exit ${code}`;
      return { wrong: [where, ...wrong.slice(0, 8), err.slice(-1500)], codes };
    }
  }
  return { wrong: [], codes };
}

interface RunOptions {
  readonly dice: Dice;
  readonly source: Source;
  readonly disk: MemoryDisk;
  readonly day: BadDay;
  readonly end: End;
  readonly nowMs: number;
  /** How often the source changes, a request. */
  readonly rate: number;
  /** The export to go on with. */
  readonly root: string | null;
}

async function oneRun(
  options: RunOptions,
): Promise<{ code: number; err: string; clock: VirtualClock }> {
  const { dice, source, disk, day, end, root, rate } = options;
  const clock = new VirtualClock(options.nowMs);
  const killed = Promise.withResolvers<number>();
  const dies = dice.below(dice.oneOf([50, 500, 3_000]));
  let steps = 0;
  let interrupt = () => {};
  /** Every await of the run on the world goes through here. */
  const step = async <T>(
    work: () => Promise<T>,
    writes = false,
  ): Promise<T> => {
    if (++steps >= dies && end === "kill") {
      killed.resolve(KILLED);
      return await new Promise<T>(() => {});
    }
    if (steps === dies && end === "interrupt") interrupt();
    if (steps >= dies && writes && end === "full disk") {
      throw diskError("ENOSPC");
    }
    if (steps === dies && writes && end === "input/output error") {
      throw diskError("EIO");
    }
    return await work();
  };
  const terminal = printedTerminal();
  const bounds = {
    startIncluded: dice.oneIn(2),
    endIncluded: dice.oneIn(2),
  };
  const refusesDates = dice.seed % 9 === 0;
  const fetchOnce = async (
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response> => {
    const url = new URL(String(input));
    await step(() => clock.sleep(dice.below(200)));
    if (rate > 0 && dice.share() < rate) {
      const times = dice.oneOf([1, 1, 2, 3]);
      for (let i = 0; i < times; i++) change(dice, source.lists, clock.now());
    }
    const answer = () =>
      refusesDates && url.searchParams.has("end_date")
        ? Promise.resolve(new Response(`{"detail":[]}`, { status: 422 }))
        : answerRequest(source.workspace, {
          ...bounds,
          key: DEMO_KEY,
          sizeCap: day.sizeCap,
          total: day.total,
        }, new Request(url, { headers: init?.headers ?? {} }));
    const { signal } = init ?? {};
    signal?.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), {
        once: true,
      });
    });
    return await Promise.race([day.answer(url, clock.now(), answer), aborted]);
  };
  const runtime: Runtime = {
    fetch: fetchOnce,
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, options) => step(() => clock.sleep(ms, options)),
    },
    random: () => dice.share(),
    disk: steppingDisk(disk, step),
    terminal,
    env: (name) => name === "HUMANLOOP_API_KEY" ? DEMO_KEY : undefined,
    onInterrupt: (handler) => {
      interrupt = handler;
      return () => {};
    },
    program: "hl-export",
    build: { kind: "source", deno: "", target: "", os: "linux" },
    exit: (code) => void killed.resolve(code) as never,
  };
  const args = root === null ? EXPORT_ARGS : ["--resume", root, "--quiet"];
  const concurrency = String(dice.oneOf([1, 3, 16]));
  const code = await Promise.race([
    main([...args, "--concurrency", concurrency], runtime),
    killed.promise,
  ]);
  clock.stop();
  return { code, err: terminal.printed.err, clock };
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code} (os error)`), { code });
}

/** A disk of which every operation is a step of the run. */
function steppingDisk(
  disk: Disk,
  step: <T>(work: () => Promise<T>, writes?: boolean) => Promise<T>,
): Disk {
  const file = (opened: DiskFile): DiskFile => ({
    read: (bytes) => step(() => opened.read(bytes)),
    write: (bytes) => step(() => opened.write(bytes), true),
    writeSync: (bytes) => opened.writeSync(bytes),
    syncData: () => step(() => opened.syncData(), true),
    close: () => opened.close(),
    tryLock: (exclusive) => opened.tryLock(exclusive),
    get readable() {
      return opened.readable;
    },
  });
  return {
    open: async (path, options) =>
      file(await step(() => disk.open(path, options), options.write ?? false)),
    readFile: (path) => step(() => disk.readFile(path)),
    readDir: (path) => disk.readDir(path),
    lstat: (path) => disk.lstat(path),
    rename: (from, to) => step(() => disk.rename(from, to), true),
    remove: (path, options) => step(() => disk.remove(path, options), true),
    mkdir: (path, options) => step(() => disk.mkdir(path, options), true),
    ensureDir: (path) => step(() => disk.ensureDir(path), true),
  };
}

async function onlyExport(disk: MemoryDisk): Promise<string | null> {
  try {
    const [entry] = await Array.fromAsync(disk.readDir(MEMORY_OUTPUT));
    return entry === undefined ? null : `${MEMORY_OUTPUT}/${entry.name}`;
  } catch {
    return null;
  }
}

/** What a run left; `null` when that is nothing. */
async function look(disk: MemoryDisk, code: number): Promise<Outcome | null> {
  const root = await onlyExport(disk);
  if (root === null) return null;
  const tree = disk.files(root);
  const manifest = tree.get("export.json");
  const gaps = manifest === undefined
    ? []
    : (JSON.parse(manifest) as Manifest).gaps;
  const wrongSums = [0, 3].includes(code) ? judgeSums(tree) : [];
  for (const name of [...tree.keys()].filter(isBookkeeping)) {
    tree.delete(name);
  }
  return { code, tree, gaps, wrongSums };
}
