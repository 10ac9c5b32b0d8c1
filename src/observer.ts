/**
 * What the pipeline tells whoever watches it: counts, waits and log lines.
 * Types only. Nothing that is told here comes back down.
 */

/** How grave a line of the log is. */
export type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** The kinds of record that the summary counts. */
export type RecordKind =
  | "versions"
  | "deployments"
  | "datapoints"
  | "evaluations"
  | "runs"
  | "evaluationLogs"
  | "logs";

/** How many records of each kind; absent means none. */
export type Counts = { readonly [kind in RecordKind]?: number };

/** Watches a run: the progress bar and the log in use, nothing in many tests. */
export interface Observer {
  log(level: Level, message: string): void;
  /** The run waits until `untilMs` (milliseconds since 1970) for `reason`. */
  waiting(reason: string, untilMs: number): void;
  /** A request was answered (or given up). */
  requestDone(): void;
  /** `count` more requests are known to be needed. */
  requestsExpected(count: number): void;
  /** Records written to disk, and the bytes they take there. */
  written(kind: RecordKind | "document", records: number, bytes: number): void;
  /** How many Files this run has to do. */
  filesFound(count: number): void;
  /** One of them is finished, complete or not. */
  fileDone(): void;
}
