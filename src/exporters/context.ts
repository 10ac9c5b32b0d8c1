/**
 * Holds what the exporters share: the run's connections and, for one File, its
 * paths and the report of what is there and what is missing.
 */
import type { Client, FileInfo } from "../api/client.ts";
import type { ListSpec } from "../api/list_spec.ts";
import type { ReaderContext } from "../lists/reader_context.ts";
import type { Stop } from "../core/concurrency.ts";
import { isRecoverable } from "../core/errors.ts";
import type { Gap } from "../core/gap.ts";
import {
  type Counts,
  type FileProgress,
  type Observer,
  type RecordKind,
  sumCounts,
} from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { type SumRecorder, writeFile } from "../tree/write/atomic_file.ts";
import type { Checkpoints } from "../tree/checkpoint.ts";
import type { Sums } from "../tree/checksums.ts";
import type { FileLayout, Layout } from "../tree/layout.ts";
import type { TimeFilter } from "./records/time_filter.ts";

/** What every exporter of a run uses. */
export interface RunContext {
  readonly client: Client;
  readonly reader: ReaderContext;
  readonly disk: Disk;
  /** Whether no earlier run left anything in the export. */
  readonly isNew: boolean;
  readonly sums: SumRecorder;
  /**
   * The sums that earlier runs left, by File, with paths below its directory.
   */
  readonly earlierSums: ReadonlyMap<string, Sums>;
  readonly layout: Layout;
  readonly observer: Observer;
  readonly stop: Stop;
  /** Whether Logs are wanted. */
  readonly logs: boolean;
  /** Which Logs are wanted. */
  readonly times: TimeFilter;
}

/** What the exporters of one File use. */
export interface FileContext extends RunContext {
  readonly file: FileInfo;
  readonly progress: FileProgress;
  readonly paths: FileLayout;
  readonly checkpoints: Checkpoints;
  readonly report: FileReport;
}

/** One list of a File, whose records become chunks. */
export interface ExportedList<T> {
  readonly kind: RecordKind;
  readonly spec: ListSpec<T>;
}

/**
 * Counts what was exported of a File, or of the workspace, and lists what is
 * missing.
 */
export class FileReport {
  counts: Counts = {};
  readonly gaps: Gap[] = [];

  constructor(readonly fileId: string | null) {}

  count(kind: RecordKind, records: number): void {
    this.counts = sumCounts([this.counts, { [kind]: records }]);
  }

  /** Adds a gap for a part of the File. */
  addGap(part: string, reason: string): void {
    this.gaps.push({ fileId: this.fileId, part, reason });
  }
}

/**
 * Writes a document of a File.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function writeDocument(
  { disk, sums, observer }: RunContext,
  path: string,
  bytes: Uint8Array,
  kind: RecordKind | "document" = "document",
): Promise<void> {
  await writeFile(disk, path, bytes, sums);
  observer.written(kind, 1, bytes.length);
}

/**
 * Exports one part of a File; a failure of a request becomes a gap, every other
 * failure ends the run.
 *
 * @param part What the gap is called.
 */
export async function exportPart(
  { report }: Pick<FileContext, "report">,
  part: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isRecoverable(error)) throw error;
    report.addGap(part, error.message);
  }
}
