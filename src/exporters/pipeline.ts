/**
 * Runs an export: decides which Files, in which order, how many at once, and
 * keeps `export.json` up to date. It reads through `lists/` and writes through
 * the exporters.
 */
import { Client } from "../api/client.ts";
import { forEachConcurrent } from "../core/concurrency.ts";
import { UsageError } from "../core/errors.ts";
import type { Gap } from "../core/gap.ts";
import { type Counts, sumCounts } from "../core/observer.ts";
import type { Clock } from "../core/runtime/runtime.ts";
import { type FileSum, PART_SUFFIX } from "../tree/write/atomic_file.ts";
import {
  isSummed,
  readSums,
  type SumJournal,
  type Sums,
} from "../tree/checksums.ts";
import type { ExportDir } from "../tree/export_dir.ts";
import type { FileEntry, Settings } from "../tree/manifest.ts";
import { ManifestWriter } from "../tree/manifest_writer.ts";
import { removeScratch } from "../tree/write/removal.ts";
import type { RunContext } from "./context.ts";
import { exportFile } from "./file.ts";
import {
  type ListedFile,
  listWorkspace,
  type StartedListing,
  type WantsFile,
} from "./listing.ts";
import { TimeFilter } from "./records/time_filter.ts";
import {
  expectKnownFiles,
  expectSameRoot,
  unlistedFiles,
} from "./workspace_check.ts";

/** What a run is made from. */
export interface ExportOptions
  extends Pick<RunContext, "disk" | "reader" | "observer" | "stop"> {
  readonly clock: Clock;
  readonly sums: SumJournal;
  readonly dir: ExportDir;
  readonly settings: Settings;
  readonly started: StartedListing;
  readonly wantsFile: WantsFile;
  /** Texts that must not appear anywhere. */
  readonly secrets: readonly string[];
  /** How many Files are exported at once. */
  readonly concurrency: number;
  /** Gets each File that is finished, complete or not. */
  readonly onFile: (file: FinishedFile) => Promise<void>;
}

/** A File that is finished. */
export interface FinishedFile extends FileEntry {
  readonly id: string;
  readonly gaps: readonly Gap[];
}

/** How a run ended. */
export interface ExportResult {
  /** Files that this run brought to their end, left alone, or could not complete. */
  readonly exported: number;
  readonly skipped: number;
  readonly failed: number;
  /** Of the whole export, skipped Files included. */
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
  /** The paths of the Files that lack something, by their ids; a File may have none. */
  readonly paths: ReadonlyMap<string, string>;
}

/**
 * Exports a workspace.
 *
 * @returns What is there and what is missing.
 * @throws {UsageError} When the Directory is unknown, or the workspace another.
 * @throws {AuthError} When the API refuses the key.
 * @throws {StorageError} When the disk fails.
 * @throws The signal's reason when the run is interrupted.
 */
export async function runExport(options: ExportOptions): Promise<ExportResult> {
  const { disk, clock, dir, settings, observer, stop, secrets } = options;
  const context = await contextOf(options);
  const { manifest: path, directories, page } = dir.layout;
  const earlier = dir.manifest;
  const manifest = new ManifestWriter({
    ...{ disk, clock, path, settings, secrets, earlier, observer },
    sums: options.sums,
  });
  for (const path of [dir.layout.manifest, directories, page]) {
    await removeScratch(disk, path + PART_SUFFIX);
  }
  try {
    if (earlier === null) {
      await expectKnownFiles(context);
      await manifest.save("running");
    }
    const listing = await listWorkspace(context, {
      started: options.started,
      directoryId: settings.directoryId,
      wantsFile: options.wantsFile,
      onRoot: (id) => {
        expectSameRoot(settings.rootDirectoryId, id);
        manifest.setRoot(id);
      },
    });
    await manifest.save("running");
    const listed = new Set(listing.files.map(({ file }) => file.id));
    const isWhole = !listing.gaps.some(({ part }) => part === "files");
    const unlisted = await unlistedFiles(context, listed, isWhole, manifest);
    manifest.addGaps([...listing.gaps, ...unlisted]);
    const result = await exportFiles(context, listing.files, manifest, options);
    if (!dir.isNew) {
      manifest.addGaps(await lostFiles(options.sums, manifest.gaps));
    }
    await manifest.save(manifest.gaps.length === 0 ? "complete" : "incomplete");
    return { ...result, gaps: manifest.gaps, paths: manifest.paths };
  } catch (error) {
    stop.abort(error);
    if (error instanceof UsageError) throw error;
    await manifest.save("interrupted").catch(() => {
      observer.log("INFO", "cannot save export.json");
    });
    throw error;
  }
}

async function contextOf(
  { reader, disk, sums, dir, observer, stop, settings }: ExportOptions,
): Promise<RunContext> {
  const { layout } = dir;
  return {
    client: new Client(reader.session),
    ...{ reader, disk, sums, layout, observer, stop, isNew: dir.isNew },
    earlierSums: sumsByFile(await readSums(disk, layout.root)),
    logs: settings.logs,
    times: new TimeFilter(settings.cutoff, settings.filters),
  };
}

/**
 * Finds files that are in SHA256SUMS and not on disk, of Files without other
 * gaps.
 */
async function lostFiles(
  sums: SumJournal,
  gaps: readonly Gap[],
): Promise<readonly Gap[]> {
  const incomplete = new Set(gaps.map(({ fileId }) => fileId));
  const lost = (await sums.findLost()).map((name): Gap => {
    const [, id = null, below = name] = /^files\/([^/]+)\/(.+)$/.exec(name) ??
      [];
    const reason = "it is in SHA256SUMS and missing on disk";
    return { fileId: id, part: below, reason };
  });
  return lost.filter(({ fileId }) => !incomplete.has(fileId));
}

/** Groups sums by File. */
function sumsByFile(sums: Sums): ReadonlyMap<string, Sums> {
  const byFile = new Map<string, Map<string, FileSum>>();
  for (const [name, sum] of sums) {
    const [, id, below] = /^files\/([^/]+)\/(.+)$/.exec(name) ?? [];
    if (id === undefined || below === undefined || !isSummed(name)) continue;
    if (!byFile.has(id)) byFile.set(id, new Map());
    byFile.get(id)!.set(below, sum);
  }
  return byFile;
}

async function exportFiles(
  context: RunContext,
  files: readonly ListedFile[],
  manifest: ManifestWriter,
  { concurrency, onFile }: Pick<ExportOptions, "concurrency" | "onFile">,
): Promise<Omit<ExportResult, "gaps" | "paths">> {
  const { observer, stop } = context;
  let failed = 0;
  const todo = files.filter(({ plan }) => plan.kind !== "skip");
  const complete = files.filter(({ plan }) => plan.kind === "skip");
  for (const { file, plan: { kind, counts } } of files) {
    if (kind === "skip") manifest.setFile(file, "complete", counts);
    else manifest.setFile(file, "pending", {});
  }
  let totals = sumCounts(complete.map(({ plan }) => plan.counts));
  observer.filesListed(todo.length);
  const skipped = complete.length;
  observer.log(
    "INFO",
    `${files.length} Files: ${todo.length} to export, ${skipped} complete already`,
  );
  await forEachConcurrent(stop, concurrency, todo, async ({ file, plan }) => {
    const result = await exportFile(context, file, plan);
    const { counts } = result;
    const gaps = manifest.addGaps(result.gaps);
    const isComplete = gaps.length === 0;
    totals = sumCounts([totals, counts]);
    if (!isComplete) failed++;
    const state = isComplete ? "complete" : "incomplete";
    manifest.setFile(file, state, counts);
    await manifest.saveIfDue();
    await onFile({ ...file, state, counts, gaps });
    observer.log(
      isComplete ? "INFO" : "ERROR",
      `${file.type} ${file.id} (${file.path ?? "no path"}) is ${state}`,
    );
  });
  return { exported: todo.length - failed, skipped, failed, counts: totals };
}
