/**
 * Writes every Version of every Dataset of a database as a file under its
 * Humanloop path, in formats that other tools read. It writes below the chosen
 * directory only, and reads nothing but the database.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "../core/runtime.ts";

/** How Datapoints are written. */
export type DatasetFormat = "jsonl" | "csv" | "promptfoo";

/** What to write, and where. */
export interface DatasetOptions {
  /** A directory; made when it is not there. */
  readonly to: string;
  readonly format: DatasetFormat;
}

/** What the writing needs besides. */
export interface DatasetContext {
  readonly disk: Disk;
  /** The exports that the database is of: nothing is written into them. */
  readonly exportDirs: readonly string[];
  readonly signal?: AbortSignal;
}

/** A file that was written. */
export interface DatasetFile {
  readonly fileId: string;
  readonly versionId: string;
  /** The Dataset's Humanloop path. */
  readonly path: string;
  /** Below {@linkcode DatasetOptions.to}, with `/` between names. */
  readonly file: string;
  readonly datapoints: number;
  /**
   * Whether it is the one file of its Dataset without a Version in its name: of the
   * Version that is deployed by default or, where none is, the newest.
   */
  readonly deployed: boolean;
}

/** Something that is missing, or that is not as one would expect. */
export interface DatasetProblem {
  /** Of which Dataset, where it is of one. */
  readonly fileId: string | null;
  /** In words, with its path. */
  readonly text: string;
  /** Whether something of the export is not in the files. */
  readonly isLoss: boolean;
}

/** What was written. */
export interface WrittenDatasets {
  /** Every file, one of them `deployed` for each Dataset that has Versions. */
  readonly files: readonly DatasetFile[];
  readonly problems: readonly DatasetProblem[];
}
