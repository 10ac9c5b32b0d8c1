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
  /** Records were written to disk, and take so many bytes there. */
  written(kind: RecordKind | "document", records: number, bytes: number): void;
  /** So many Files are to be exported by this run. */
  filesListed(count: number): void;
  /** One of them is started. */
  fileStarted(name: string): FileProgress;
}

/** Watches one File. */
export interface FileProgress {
  /** So many more records are to be read; fewer, where it is negative. */
  expect(records: number): void;
  /** So many were read, or given up. */
  done(records: number): void;
  /** The records expected so far are nearly all of the File's. */
  allKnown(): void;
  /** The File is at its end, complete or not. */
  end(): void;
}
