/**
 * Describes what the pipeline reports to the progress bar and the log: counts,
 * waits, lines. Its functions return nothing that the pipeline depends on.
 */

/** The severity of a log line. */
export type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** The kinds of record that are counted, in the order in which they are shown. */
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

/** Adds up counts, in the order of the kinds and without zeros. */
export function sumCounts(counts: readonly Counts[]): Counts {
  const sums: { [kind in RecordKind]?: number } = {};
  for (const kind of RECORD_KINDS) {
    const sum = counts.reduce((total, one) => total + (one[kind] ?? 0), 0);
    if (sum > 0) sums[kind] = sum;
  }
  return sums;
}

/** Makes an observer that gets log lines only. */
export function logOnly(log: Observer["log"]): Observer {
  return {
    log,
    waiting() {},
    written() {},
    filesListed() {},
    fileStarted: () => ({ expect() {}, done() {}, allKnown() {}, end() {} }),
  };
}

/** Watches a run: the progress bar and the log. */
export interface Observer {
  log(level: Level, message: string): void;
  /** The run waits until `untilMs` (milliseconds since 1970) for `reason`. */
  waiting(reason: string, untilMs: number): void;
  /** Records were written to disk, `bytes` in all. */
  written(kind: RecordKind | "document", records: number, bytes: number): void;
  /** This run will export `count` Files. */
  filesListed(count: number): void;
  /** The export of a File begins. */
  fileStarted(name: string): FileProgress;
}

/** Watches one File. */
export interface FileProgress {
  /** There are so many more records to read; fewer, if negative. */
  expect(records: number): void;
  /** So many records were read or given up. */
  done(records: number): void;
  /** Nearly all records of the File are expected by now. */
  allKnown(): void;
  /** The File is finished, complete or not. */
  end(): void;
}
