/**
 * Everything that a seed may meet, one entry each. `deno task simulate --only
 * NAME` runs seeds with just one of them; `--all` with those too that are not
 * enabled.
 */
import type { DemoFile, Sequence } from "../../src/demo/workspace.ts";
import { expectedTree } from "../helpers/tree.ts";
import { MEMORY_OUTPUT } from "../helpers/memory_run.ts";
import { type Dice, diceOf } from "./dice.ts";
import {
  failing,
  failingRecords,
  type Fault,
  json,
  type Layer,
  RETRIED,
  SHORT,
} from "./faults.ts";
import type { Disturbance, End, Run, Seed } from "./setup.ts";
import { change, move, type Moving, swapTies } from "./source.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;
const RATES = [0.02, 0.1, 0.3];

const isLogs = (url: URL) => url.pathname === "/v5/logs";
const asksForDates = (url: URL) => /(start|end)_date=/.test(url.search);

/** Answers a share of requests with faults of some kinds. */
function faults(
  name: string,
  weight: number,
  kinds: readonly Fault[],
  enabled: boolean,
): Disturbance {
  return {
    ...{ name, weight, enabled },
    run: (run, dice) =>
      void run.layers.push(failing(dice, dice.oneOf(RATES), kinds)),
  };
}

/** Ends a run before its time. */
function ending(kind: End["kind"]): Disturbance {
  return {
    ...{ name: kind, weight: 0.12, enabled: true },
    run: (run, dice) => {
      const atStep = dice.below(dice.oneOf([50, 500, 3_000]));
      run.end ??= { kind, atStep };
    },
  };
}

/** Changes the source while it is read. */
function moving(
  name: string,
  enabled: boolean,
  once: (seed: Seed, dice: Dice, nowMs: number) => void,
): Disturbance {
  return {
    ...{ name, weight: 0.6, enabled, moves: true },
    run: ({ seed, changes }, dice) => {
      const rate = dice.oneOf([0.01, 0.1, 0.5]);
      changes.push((nowMs) => {
        if (dice.share() >= rate) return;
        const times = dice.oneOf([1, 1, 2, 3]);
        for (let i = 0; i < times; i++) once(seed, dice, nowMs);
      });
    },
  };
}

/** Adds and removes Files, Versions, Evaluations or Runs. */
function movingRecords(kind: Moving, enabled: boolean): Disturbance {
  const changes = moving(`moving ${kind}`, enabled, (seed, dice) => {
    if (dice.oneIn(5)) move(dice, seed.source, kind);
  });
  return {
    ...changes,
    seed: (seed) => {
      if (kind === "Files") seed.losesFiles = true;
    },
  };
}

/** Fails or lies for as long as a seed lasts wherever dates are asked for. */
function dateAnswers(
  name: string,
  layer: Layer,
  enabled: boolean,
): Disturbance {
  return {
    ...{ name, weight: 0.08, enabled },
    seed: (seed) => {
      seed.ignoresDates = true;
      seed.layers.push((url, nowMs, answer) =>
        isLogs(url) && asksForDates(url) ? layer(url, nowMs, answer) : answer()
      );
    },
  };
}

/** Lists the files of an export whose paths match, as they are on disk. */
function filesOf(seed: Seed, root: string, pattern: RegExp): string[] {
  return [...seed.disk.files(root).keys()].filter((path) => pattern.test(path));
}

/** Changes a file of the export. */
function touch(
  seed: Seed,
  root: string,
  path: string,
  edit: (text: string) => string | null,
): void {
  const { disk, touched } = seed;
  const text = new TextDecoder().decode(disk.get(`${root}/${path}`));
  disk.put(`${root}/${path}`, edit(text));
  seed.isTouched = true;
  touched.add(path.split("/").slice(0, 2).join("/"));
}

const CHUNK_DAMAGES: ReadonlyArray<
  (text: string, dice: Dice) => string | null
> = [
  () => null,
  () => "",
  (text) => text.slice(0, text.length / 2),
  (text) => text.slice(0, -1),
  (text) => "garbage\n".repeat(text.split("\n").length),
  (text, dice) => {
    const lines = text.split("\n");
    const count = 1 + dice.below(lines.length / 2);
    return lines.toSpliced(dice.below(lines.length), count).join("\n");
  },
  (text) => `${text.split("\n")[0]}\n${text}`,
];

const CHECKPOINT_DAMAGES: ReadonlyArray<(text: string) => string | null> = [
  () => null,
  () => "",
  () => "null",
  (text) => text.slice(0, text.length / 2),
  (text) => text.replace(/"empty":\[.*?\]/g, `"empty":[null]`),
  (text) => text.replace(/:(\d+)/g, `:"$1"`),
  (text) => text.replace(/"total":\d+/g, `"total":-1`),
  (text) => text.replace(/"(rest|windows)":[[{].*?[\]}]/g, `"$1":null`),
  (text) => text.replace(/"finished":false/g, `"finished":true`),
];

/** Where a link leads that somebody planted. */
export const OUTSIDE = "/outside";

/** Puts a link where something is or may come to be. */
function plantLink({ disk, links }: Seed, root: string, dice: Dice): void {
  const files = [...disk.files(root).keys()];
  const path = dice.oneOf([
    ...files.filter((one) => !/^export\.(log|json)$/.test(one)),
    ...files.flatMap((one) => {
      const parts = one.split("/");
      return parts.length < 3 ? [] : [parts.slice(0, -1).join("/")];
    }),
    ...["export.log", "SHA256SUMS.journal", "directories.json.part"],
  ]);
  links.set(`${root}/${path}`, `${OUTSIDE}/${dice.oneOf(["dir", "file"])}`);
}

/** Returns what the official script leaves, and what of it is wrong. */
function plantOfficialExport(seed: Seed, dice: Dice): void {
  if (seed.args.length > 0) return;
  seed.logsFrom = 1;
  const root = `${MEMORY_OUTPUT}/20250101-000000`;
  const tree = expectedTree(seed.source.workspace, { logs: true });
  const files = seed.source.workspace.files;
  const state = new Map(
    files.map(({ id }) => [
      `files/${id}`,
      dice.oneOf(["done", "done", "dropped", "partial", "none"]),
    ]),
  );
  // One is there, or the export would be of another workspace.
  state.set(`files/${files[0]!.id}`, "done");
  seed.disk.put(`${root}/export.log`, "2025-01-01 | INFO | began\n");
  for (const [path, text] of tree) {
    const file = path.split("/").slice(0, 2).join("/");
    const of = state.get(file);
    const isDone = path.endsWith("/.done");
    if (of === undefined || of === "none" || of === "partial" && isDone) {
      continue;
    }
    const lines = text.split("\n");
    const isCut = of !== "done" && path.endsWith(".jsonl") && lines.length > 9;
    seed.disk.put(
      `${root}/${path}`,
      isDone
        ? "Exported at 2025-01-01 00:00:00\n"
        : isCut
        ? lines.toSpliced(3, dice.below(lines.length - 5)).join("\n")
        : text,
    );
    if (of !== "done") seed.touched.add(file);
  }
  seed.isTouched = true;
}

/** Returns the Logs that were created at a time or later, where the source has times. */
function logsSince(logs: Sequence, sinceMs: number): Sequence {
  if (logs.createdMs === undefined) return logs;
  const texts = Array.from({ length: logs.length }, (_, i) => i)
    .filter((i) => logs.createdMs!(i) >= sinceMs)
    .map((i) => logs.at(i)!);
  return texts;
}

/** Asks for some Files, or for Logs since some time. */
function filter(seed: Seed, dice: Dice): void {
  const { args, source } = seed;
  const file = dice.oneOf(source.files);
  const kind = dice.oneOf([
    "type",
    "file",
    seed.ignoresDates ? "file" : "since",
  ]);
  if (kind === "type") {
    args.push("--type", file.type);
    seed.wants = (one) => one.type === file.type ? one : null;
  } else if (kind === "file") {
    args.push("--file", file.id);
    seed.wants = (one) => one.id === file.id ? one : null;
  } else {
    // No Log is of this very instant.
    const sinceMs = Date.UTC(2025, 4, 29, 12, 0, 0, 500) +
      dice.below(24) * HOUR_MS;
    args.push("--since", new Date(sinceMs).toISOString());
    seed.sinceMs = sinceMs;
    seed.wants = (one): DemoFile => {
      const logs = logsSince(one.logs, sinceMs);
      return { ...one, logs, bareLogs: logs };
    };
  }
}

/** Refuses one thing of one File. */
function refuseOne(run: Run, dice: Dice): void {
  const { id } = dice.oneOf(run.seed.source.files);
  const status = dice.oneOf([401, 403, 404]);
  const part = dice.oneOf(["/logs", "/versions", "/evaluations", "/stats"]);
  run.layers.push((url, _, answer) => {
    const isOf = url.href.includes(id) || part === "/stats";
    return isOf && url.pathname.endsWith(part)
      ? Promise.resolve(json({ detail: "no right to it" }, status))
      : answer();
  });
}

/**
 * Whether `deno task test` looks after each run for everything that was on disk
 * before it (`judgeDisk`); `deno task simulate --disk` always does.
 */
export const DISK_IS_JUDGED: boolean = true;

/** Everything, in the order in which it is before the server. */
export const DISTURBANCES: readonly Disturbance[] = [
  {
    ...{ name: "records that fail", weight: 0.35, enabled: true },
    run: ({ seed, layers }) =>
      void layers.push(failingRecords(diceOf(seed.number, "failing"))),
  },
  {
    ...{ name: "small pages", weight: 0.5, enabled: true },
    run: (run, dice) => void (run.sizeCap = dice.oneOf([30, 50, 7])),
  },
  faults("failures", 0.5, RETRIED, true),
  {
    ...{ name: "short pages", weight: 0.2, enabled: true },
    run: (run, dice) => {
      // With a total that is too low as well, the end cannot be known.
      if (run.totals.length > 0) return;
      run.layers.push(failing(dice, dice.oneOf(RATES), SHORT));
      run.totals.push((_, total) => total);
    },
  },
  {
    ...{ name: "wrong totals", weight: 0.15, enabled: true },
    run: (run, dice) => {
      const by = dice.oneOf([-3, 5, 120]);
      // Where counts do not add up, dates are taken to be ignored.
      if (run.totals.length > 0 || run.seed.sinceMs !== null) return;
      run.totals.push((url, total) =>
        isLogs(url) && total > 5 ? total + by : total
      );
    },
  },
  {
    ...{ name: "wavering totals", weight: 0.15, enabled: true },
    run: (run, dice) => {
      if (run.seed.sinceMs !== null) return;
      run.totals.push((url, total) =>
        isLogs(url) && total > 5 && dice.oneIn(20) ? total + 1 : total
      );
    },
  },
  {
    ...{ name: "wrong totals elsewhere", weight: 0.15, enabled: true },
    run: (run, dice) => {
      const by = dice.oneOf([-3, 5, 120]);
      if (run.totals.length > 0) return;
      run.totals.push((url, total) =>
        !isLogs(url) && total > 5 ? total + by : total
      );
    },
  },
  {
    ...{ name: "revoked key", weight: 0.12, enabled: true },
    run: (run, dice) => {
      const from = 5 + dice.below(60);
      let n = 0;
      run.mayEndWith.add(5);
      run.layers.push((_, __, answer) =>
        ++n > from
          ? Promise.resolve(json({ detail: "revoked" }, 401))
          : answer()
      );
    },
  },
  {
    ...{ name: "one thing refused", weight: 0.15, enabled: true },
    run: refuseOne,
  },
  {
    ...{ name: "hanging request", weight: 0.12, enabled: true },
    run: (run, dice) => {
      const hung = dice.below(60);
      let n = 0;
      run.layers.push((_, __, answer) =>
        n++ === hung ? new Promise<Response>(() => {}) : answer()
      );
    },
  },
  faults("long and zero Retry-After", 0.15, [
    ...["0", "0", "120", "86400", "Infinity"].map((seconds) => () =>
      new Response("", { status: 429, headers: { "retry-after": seconds } })
    ),
    () => new Response("", { status: 503, headers: { "retry-after": "0" } }),
  ], true),
  {
    ...{ name: "outage", weight: 0.25, enabled: true },
    run: (run, dice) => {
      const fromMs = run.nowMs + dice.below(20_000);
      const forMs = dice.oneOf([5_000, 120_000, 600_000, 3_000_000]);
      run.layers.push((_, nowMs, answer) => {
        const isDown = nowMs >= fromMs && nowMs < fromMs + forMs;
        return isDown
          ? Promise.reject(new TypeError("error sending request: refused"))
          : answer();
      });
    },
  },
  dateAnswers(
    "dates refused",
    () => Promise.resolve(json({ detail: [] }, 422)),
    true,
  ),
  dateAnswers(
    "dates fail",
    () => Promise.resolve(new Response("", { status: 500 })),
    false,
  ),
  moving(
    "moving records",
    true,
    ({ source }, dice, nowMs) => change(dice, source.lists, nowMs),
  ),
  {
    ...moving(
      "unstable ties",
      false,
      ({ source }, dice) => swapTies(dice, source.lists),
    ),
    seed: (seed) => void (seed.isOrdered = false),
  },
  movingRecords("Files", false),
  movingRecords("Versions", true),
  movingRecords("Evaluations", false),
  movingRecords("Runs", true),
  // How far ahead Logs are dated is decided where the source is made.
  {
    ...{ name: "dates ahead", weight: 0.15, enabled: true },
    // Logs behind the cut-off are read last.
    seed: (seed) => void (seed.isOrdered = false),
  },
  {
    ...{ name: "clock jumps", weight: 0.2, enabled: true },
    run: (run, dice) => {
      const at = dice.oneOf([0, dice.below(500)]);
      const by = dice.oneOf([-YEAR_MS, -HOUR_MS, HOUR_MS, YEAR_MS]);
      run.clockJump = (step) => step === at ? by : 0;
    },
  },
  ...(["kill", "interrupt", "full disk", "input/output error"] as const)
    .map(ending),
  {
    ...{ name: "read errors", weight: 0.15, enabled: true },
    run: (run, dice) => {
      if (run.root === null) return;
      const chunks = filesOf(run.seed, run.root, /\.jsonl$/);
      const path = chunks[dice.below(chunks.length)];
      if (path !== undefined) run.isUnreadable = (one) => one.endsWith(path);
    },
  },
  {
    ...{ name: "damaged chunks", weight: 0.25, enabled: true },
    between: (seed, root, dice) => {
      const chunks = filesOf(seed, root, /\.jsonl$/);
      const path = chunks[dice.below(chunks.length)];
      if (path === undefined) return;
      const damage = dice.oneOf(CHUNK_DAMAGES);
      touch(seed, root, path, (text) => damage(text, dice));
    },
  },
  {
    ...{ name: "damaged checkpoints", weight: 0.4, enabled: true },
    between: (seed, root, dice) => {
      for (const path of filesOf(seed, root, /\.state\.json$/)) {
        touch(seed, root, path, dice.oneOf(CHECKPOINT_DAMAGES));
      }
    },
  },
  {
    ...{ name: "missing documents", weight: 0.2, enabled: true },
    between: (seed, root, dice) => {
      const pattern = /(versions|runs)\/[^/]+$|(evaluation|stats|file)\.json$/;
      const documents = filesOf(seed, root, pattern);
      const path = documents[dice.below(documents.length)];
      if (path !== undefined) touch(seed, root, path, () => null);
    },
  },
  {
    ...{ name: "links", weight: 0.1, enabled: true },
    between: plantLink,
  },
  {
    ...{ name: "output that fails", weight: 0.15, enabled: true },
    run: (run) => {
      run.outputFails = true;
    },
  },
  {
    ...{ name: "Logs later", weight: 0.15, enabled: true },
    seed: (seed, dice) => void (seed.logsFrom = 2 + dice.below(4)),
  },
  {
    ...{ name: "filters", weight: 0.15, enabled: true },
    seed: filter,
  },
  {
    ...{ name: "official export", weight: 0.1, enabled: true },
    seed: plantOfficialExport,
  },
];
