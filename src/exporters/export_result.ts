/** Describes how a run of the pipeline ended. */
import type { Counts } from "../core/observer.ts";
import type { Gap } from "../core/gap.ts";

/** How a run ended. */
export interface ExportResult {
  /** Files that this run completed, skipped, or could not complete. */
  readonly exported: number;
  readonly skipped: number;
  readonly failed: number;
  /** Of the whole export, skipped Files included. */
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
  /** The paths of the Files that lack something, by their ids; a File may have none. */
  readonly paths: ReadonlyMap<string, string>;
}
