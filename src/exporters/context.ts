/**
 * What the exporters share: the run's connections and, for one File, its place
 * on disk and the report of what is there and what is missing.
 */
import type { Client, FileInfo } from "../api/client.ts";
import type { WalkContext } from "../lists/list_types.ts";
import type { Stop } from "../core/concurrency.ts";
import { isRecoverable } from "../core/errors.ts";
import {
  type Counts,
  type FileWork,
  type Observer,
  type RecordKind,
  sumCounts,
} from "../core/observer.ts";
import type { TimeFilter } from "./time_filter.ts";
import type { FileState } from "../tree/checkpoint.ts";
import type { FileLayout, Layout } from "../tree/layout.ts";
import type { Gap } from "../tree/manifest.ts";
import type { Filters } from "../core/filters.ts";
import type { Disk } from "../core/runtime.ts";

/** What every exporter of a run uses. */
export interface RunContext {
  readonly client: Client;
  readonly walk: WalkContext;
  readonly disk: Disk;
  readonly layout: Layout;
  readonly observer: Observer;
  readonly stop: Stop;
  /** Whether Logs are wanted. */
  readonly logs: boolean;
  /** Which Files are wanted. */
  readonly filters: Filters;
  /** Which Logs are wanted. */
  readonly cutoff: TimeFilter;
}

/** What the exporters of one File use. */
export interface FileContext extends RunContext {
  readonly file: FileInfo;
  /** Hears how much there is to do for it. */
  readonly work: FileWork;
  readonly paths: FileLayout;
  readonly state: FileState;
  readonly report: FileReport;
}

/** Which records of a list are missing, where that is known. */
export interface Where {
  /** Records of the list before them. */
  readonly offset?: number;
  readonly missing?: number;
}

/** Counts what is there of a File, and lists what is missing. */
export class FileReport {
  counts: Counts = {};
  readonly gaps: Gap[] = [];

  constructor(readonly fileId: string) {}

  add(kind: RecordKind, records: number): void {
    this.counts = sumCounts([this.counts, { [kind]: records }]);
  }

  addGap(
    part: string,
    reason: string,
    where: Where = {},
  ): void {
    this.gaps.push({ fileId: this.fileId, part, reason, ...where });
  }
}

/**
 * Exports one part of a File; a failure that concerns only this part becomes a
 * gap, every other ends the run.
 *
 * @param part What the gap is called.
 */
export async function exportPart(
  context: FileContext,
  part: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isRecoverable(error)) throw error;
    context.report.addGap(part, error.message);
  }
}

/** Why an id of the API's is refused. */
export function unsafeId(id: string): string {
  return `the id ${
    JSON.stringify(id.slice(0, 40))
  } is not safe as a file name, so it is left out`;
}
