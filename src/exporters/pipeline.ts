/**
 * The pipeline: which Files, in which order, how many at once, what is done and
 * what is missing. It fetches through `api/`, writes through `exporters/` and
 * keeps `export.json` true while it runs.
 */
import { Client } from "../api/client.ts";
import { connect } from "../lists/connect.ts";
import { UsageError } from "../core/errors.ts";
import { forEachConcurrent, type Stop } from "../core/concurrency.ts";
import type { RunContext } from "./context.ts";
import { TimeFilter } from "./time_filter.ts";
import type { ExportResult } from "./export_result.ts";
import { exportFile, type FileOutcome } from "./file.ts";
import { type ListedFile, listWorkspace } from "./listing.ts";
import { type Counts, type Observer, sumCounts } from "../core/observer.ts";
import type { ExportDir } from "../tree/export_dir.ts";
import { ManifestWriter } from "../tree/manifest_writer.ts";
import { type Gap, gapText, type Settings } from "../tree/manifest.ts";
import { PART_SUFFIX, removeAll } from "../tree/atomic_file.ts";
import {
  expectKnownFiles,
  expectSameRoot,
  unlistedFiles,
} from "./workspace_check.ts";
import type { Runtime } from "../core/runtime.ts";

/** What a run is made from. */
export interface ExportOptions {
  readonly runtime: Pick<Runtime, "fetch" | "clock" | "random" | "disk">;
  readonly dir: ExportDir;
  readonly settings: Settings;
  readonly apiKey: string;
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** How long to wait for an API that does not answer, in milliseconds. */
  readonly patienceMs: number;
  readonly observer: Observer;
  readonly stop: Stop;
  /** Hears of each File that is finished, complete or not. */
  readonly onFile: (file: FinishedFile) => Promise<void>;
}

/** A File that is finished. */
export interface FinishedFile extends FileOutcome {
  readonly id: string;
  readonly type: string;
  readonly path: string | null;
  readonly state: "complete" | "incomplete";
}

/**
 * Exports a workspace.
 *
 * @returns What is there and what is missing.
 * @throws {UsageError} When the Directory is unknown, or the workspace another.
 * @throws {AuthError} When the API refuses the key.
 * @throws {StorageError} When the disk refuses.
 * @throws The signal's reason when the run is interrupted.
 */
export async function runExport(options: ExportOptions): Promise<ExportResult> {
  const { runtime, dir, settings, observer, stop } = options;
  const { disk } = runtime;
  const context = contextOf(options);
  const record = new ManifestWriter({
    disk,
    clock: runtime.clock,
    path: dir.layout.manifest,
    settings,
    secrets: [options.apiKey],
    earlier: dir.manifest,
  });
  const { manifest, directories, page } = dir.layout;
  for (const path of [manifest, directories, page]) {
    await removeAll(disk, path + PART_SUFFIX);
  }
  try {
    if (dir.manifest === null) {
      await expectKnownFiles(context);
      await record.save("running");
    }
    const listing = await listWorkspace(context, {
      directoryId: settings.directoryId,
      onRoot: (id) => {
        expectSameRoot(settings.rootDirectoryId, id);
        record.setRoot(id);
      },
    });
    const listed = new Set(listing.files.map(({ file }) => file.id));
    await record.save("running");
    const isWhole = !listing.gaps.some(({ part }) => part === "files");
    const unlisted = await unlistedFiles(context, listed, isWhole);
    logGaps(observer, record.addGaps([...listing.gaps, ...unlisted]));
    const result = await exportFiles(
      context,
      listing.files,
      record,
      options,
    );
    await record.save(record.gaps.length === 0 ? "complete" : "incomplete");
    return { ...result, gaps: record.gaps };
  } catch (error) {
    stop.abort(error);
    if (error instanceof UsageError) throw error;
    await record.save("interrupted").catch(() => {
      observer.log("INFO", "cannot bring export.json up to date");
    });
    throw error;
  }
}

function contextOf(options: ExportOptions): RunContext {
  const { runtime, dir, settings, observer, stop } = options;
  const walk = connect({
    ...options,
    apiUrl: settings.apiUrl,
    signal: stop.signal,
  });
  return {
    client: new Client(walk.session),
    walk,
    disk: runtime.disk,
    layout: dir.layout,
    observer,
    stop,
    logs: settings.logs,
    filters: settings.filters,
    cutoff: new TimeFilter(settings.cutoff, settings.filters),
  };
}

async function exportFiles(
  context: RunContext,
  files: readonly ListedFile[],
  record: ManifestWriter,
  { concurrency, onFile }: Pick<ExportOptions, "concurrency" | "onFile">,
): Promise<Omit<ExportResult, "gaps">> {
  const { observer } = context;
  let totals: Counts = {};
  let failed = 0;
  const todo = [];
  for (const { file, plan } of files) {
    const done = plan.kind === "skip" ? plan.done : null;
    record.setFile(file, done ? "complete" : "pending", done?.counts ?? {});
    if (done) totals = sumCounts([totals, done.counts]);
    if (plan.kind !== "skip") todo.push({ file, plan });
  }
  observer.filesFound(todo.length);
  const skipped = files.length - todo.length;
  observer.log(
    "INFO",
    `${files.length} Files: ${todo.length} to export, ${skipped} complete already`,
  );
  await forEachConcurrent(
    context.stop,
    concurrency,
    todo,
    async ({ file, plan }) => {
      const outcome = await exportFile(context, file, plan);
      const { counts } = outcome;
      const gaps = record.addGaps(outcome.gaps);
      const complete = gaps.length === 0;
      totals = sumCounts([totals, counts]);
      if (!complete) failed++;
      const state = complete ? "complete" : "incomplete";
      record.setFile(file, state, counts);
      await record.saveNowAndThen();
      await onFile({ ...file, state, counts, gaps });
      logGaps(observer, gaps);
      observer.log(
        complete ? "INFO" : "ERROR",
        `${file.type} ${file.id} (${file.path ?? "no path"}) is ${state}`,
      );
    },
  );
  return { exported: todo.length - failed, skipped, failed, counts: totals };
}

function logGaps(observer: Observer, gaps: readonly Gap[]): void {
  for (const gap of gaps) observer.log("ERROR", `missing: ${gapText(gap)}`);
}
