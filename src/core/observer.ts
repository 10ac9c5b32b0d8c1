/**
 * What the pipeline tells whoever watches it: counts, waits and log lines.
 * Nothing that is told here comes back down.
 */

import { UNWATCHED, type WorkObserver } from "./work.ts";

/** How grave a line of the log is. */
export type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** The kinds of record that are counted, in the order in which they are told. */
export const RECORD_KINDS = [
  "versions",
  "deployments",
  "datapoints",
  "evaluations",
  "runs",
  "evaluationLogs",
  "logs",
] as const;

/** One of {@linkcode RECORD_KINDS}. */
export type RecordKind = typeof RECORD_KINDS[number];

/** How many records of each kind; absent means none. */
export type Counts = { readonly [kind in RecordKind]?: number };

/** The sum of counts, in the order of the kinds and without noughts. */
export function sumCounts(counts: readonly Counts[]): Counts {
  const sums: { [kind in RecordKind]?: number } = {};
  for (const kind of RECORD_KINDS) {
    const sum = counts.reduce((total, one) => total + (one[kind] ?? 0), 0);
    if (sum > 0) sums[kind] = sum;
  }
  return sums;
}

/** An observer that only hears log lines. */
export function logOnly(log: Observer["log"]): Observer {
  return {
    log,
    waiting() {},
    written() {},
    filesFound() {},
    fileBegun: () => ({ ...UNWATCHED, known() {}, end() {} }),
  };
}

/** Watches a run: the progress bar and the log in use, nothing in many tests. */
export interface Observer {
  log(level: Level, message: string): void;
  /** The run waits until `untilMs` (milliseconds since 1970) for `reason`. */
  waiting(reason: string, untilMs: number): void;
  /** Records written to disk, and the bytes they take there. */
  written(kind: RecordKind | "document", records: number, bytes: number): void;
  /** How many Files this run has to do. */
  filesFound(count: number): void;
  /** One of them is begun; hears of its work, and of its end, complete or not. */
  fileBegun(name: string): FileWork;
}

/** Hears of the work of one File. */
export interface FileWork extends WorkObserver {
  /** From here on what is expected is nearly all that it takes. */
  known(): void;
  end(): void;
}
