/** What a seed and each of its runs are made from; disturbances change it. */
import type { DemoServerOptions } from "../../src/demo/server.ts";
import type { DemoFile, Workspace } from "../../src/demo/workspace.ts";
import type { MemoryDisk } from "../helpers/memory_disk.ts";
import type { Dice } from "./dice.ts";
import type { Layer } from "./faults.ts";
import type { Links } from "./linked_disk.ts";
import { type Source, type SourceList, timeOf } from "./source.ts";

/** One seed: the source, the disk, and what holds for all of its runs. */
export interface Seed {
  readonly number: number;
  readonly source: Source;
  readonly disk: MemoryDisk;
  readonly links: Links;
  /** How the server reads dates. */
  readonly bounds: Pick<DemoServerOptions, "startIncluded" | "endIncluded">;
  /** What is before the server in every run; the first one answers last. */
  readonly layers: Layer[];
  /** Arguments of the run that begins the export. */
  readonly args: string[];
  /** Logs are asked for from this run on. */
  logsFrom: number;
  /** Whether the source rests, so that exactly it must be on disk. */
  rests: boolean;
  /** Whether only the set of records is sure, not their order. */
  isOrdered: boolean;
  /** Whether a File may be deleted that the export holds in part. */
  losesFiles: boolean;
  /** Whether somebody touched the disk between runs, or a stranger began. */
  isTouched: boolean;
  /** Directories of Files that are not as the last run left them. */
  readonly touched: Set<string>;
  /** Whether the server answers without regard to dates, or not at all. */
  ignoresDates: boolean;
  /** Only Logs that were created at this time or later are asked for. */
  sinceMs: number | null;
  /** Which Files, and which of their Logs, are asked for. */
  wants: (file: DemoFile) => DemoFile | null;
}

/** How a run ends before its time, and at which of its steps. */
export interface End {
  readonly kind: "kill" | "interrupt" | "full disk" | "input/output error";
  readonly atStep: number;
}

/** One run of a seed. */
export interface Run {
  readonly seed: Seed;
  /** From 1. */
  readonly number: number;
  /** The export to go on with; `null` to begin one. */
  readonly root: string | null;
  readonly nowMs: number;
  readonly layers: Layer[];
  /** Called before each request, to change the source. */
  readonly changes: Array<(nowMs: number) => void>;
  sizeCap: number;
  readonly totals: Array<(url: URL, total: number) => number>;
  end: End | null;
  /** Whether reading a path fails. */
  isUnreadable: (path: string) => boolean;
  /** How far the clock on the wall is set at a step, in milliseconds. */
  clockJump: (step: number) => number;
  /** Whether what is printed, and the log, cannot be written. */
  outputFails: boolean;
  /** Exit codes that are right in this run, beside 0, 3 and those of its end. */
  readonly mayEndWith: Set<number>;
}

/** Returns what an export of the seed is of, as the source is now. */
export function wantedWorkspace({ source, wants }: Seed): Workspace {
  const { directories, files } = source.workspace;
  return { directories, files: files.flatMap((file) => wants(file) ?? []) };
}

/** Returns the records of a list that an export of the seed is of. */
export function wantedTexts(
  { sinceMs, source }: Seed,
  { dir, texts }: SourceList,
): readonly string[] {
  const isCut = sinceMs !== null && source.dated &&
    /^files\/[^/]+\/logs$/.test(dir);
  return isCut ? texts.filter((text) => timeOf(text) >= sinceMs) : texts;
}

/** What can go wrong, or be unusual. */
export interface Disturbance {
  readonly name: string;
  /** Which share of the seeds, or of the runs, it is part of. */
  readonly weight: number;
  /** Whether it is part of `deno task test`. */
  readonly enabled: boolean;
  /** Whether the source changes by it, so that only seeds that move have it. */
  readonly moves?: boolean;
  /** Prepares a seed, before its first run. */
  readonly seed?: (seed: Seed, dice: Dice) => void;
  /** Touches the disk before a run, the last one too. */
  readonly between?: (seed: Seed, root: string, dice: Dice) => void;
  /** Prepares a run; the last one has none. */
  readonly run?: (run: Run, dice: Dice) => void;
}
