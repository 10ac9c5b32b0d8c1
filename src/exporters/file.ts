/**
 * Exports one File: all its parts, then `.done` if nothing is missing. A
 * complete File is skipped, unless it has no Logs and they are wanted now.
 */
import type { FileInfo } from "../api/client.ts";
import { runAll } from "../core/concurrency.ts";
import type { Gap } from "../core/gap.ts";
import { type Counts, sumCounts } from "../core/observer.ts";
import { listDir } from "../tree/write/atomic_file.ts";
import { Checkpoints, readCheckpoints } from "../tree/checkpoint.ts";
import { readDone, writeDone } from "../tree/done.ts";
import { removeParts, removeScratch } from "../tree/write/removal.ts";
import {
  exportPart,
  type FileContext,
  FileReport,
  type RunContext,
} from "./context.ts";
import { exportDatapoints } from "./records/datapoints.ts";
import { addEvaluationLogs, exportEvaluations } from "./records/evaluations.ts";
import { countComplete } from "./file_check.ts";
import { exportLogs } from "./records/logs.ts";
import { exportVersions } from "./records/versions.ts";

/** What a run has to do for a File. */
export interface FilePlan {
  /** `addLogs` if everything but the Logs is there. */
  readonly kind: "skip" | "addLogs" | "export";
  /** Counts of what is there and stays. */
  readonly counts: Counts;
}

const EXPORT: FilePlan = { kind: "export", counts: {} };

/** How a File's export ended. */
export interface FileResult {
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
}

/**
 * Decides what a run has to do for a File.
 *
 * @throws {AuthError | StorageError} When the run cannot go on.
 */
export async function planFile(
  context: RunContext,
  file: FileInfo,
): Promise<FilePlan> {
  const { disk, layout, isNew } = context;
  const paths = layout.file(file.id);
  const done = isNew ? null : await readDone(disk, paths);
  if (done === null) return EXPORT;
  // The official script makes logs/ wherever it exported Logs.
  const hasLogs = done.logs ?? await listDir(disk, paths.list("logs")) !== null;
  const counts = await countComplete(context, file, done, hasLogs);
  if (counts === null) return EXPORT;
  const wantsLogs = context.logs && file.type !== "dataset";
  if (wantsLogs && !hasLogs) {
    // The official script's `.done` does not say whether it covers Logs, so
    // this one is replaced before any are added.
    if (done.logs === undefined) {
      await writeDone(disk, paths, { logs: false, counts }, context.sums);
    }
    return { kind: "addLogs", counts };
  }
  // Removes what a kill between `.done` and this removal left behind.
  await removeScratch(disk, paths.state);
  return { kind: "skip", counts };
}

/**
 * Exports a File that {@linkcode planFile} did not skip.
 *
 * @returns What is there and what is missing.
 * @throws {AuthError | StorageError} When the run cannot go on.
 */
export async function exportFile(
  run: RunContext,
  file: FileInfo,
  plan: FilePlan,
): Promise<FileResult> {
  const { disk, layout, observer, stop, isNew } = run;
  const paths = layout.file(file.id);
  if (!isNew) {
    await removeParts(disk, paths.root);
    // Removes the page, which shows the File as it was before.
    await removeScratch(disk, paths.page);
  }
  const context: FileContext = {
    ...run,
    file,
    paths,
    progress: observer.fileStarted(file.path ?? file.id),
    checkpoints: isNew
      ? new Checkpoints(disk, paths)
      : await readCheckpoints(disk, paths, file.id),
    report: new FileReport(file.id),
  };
  const { report, progress } = context;
  await runAll(
    stop,
    plan.kind === "addLogs" ? logParts(context) : allParts(context),
  );
  const counts = sumCounts([plan.counts, report.counts]);
  if (report.gaps.length === 0) {
    const logs = run.logs && file.type !== "dataset";
    await writeDone(disk, paths, { logs, counts }, run.sums);
  }
  progress.end();
  return { counts, gaps: report.gaps };
}

/** Lists the parts to add to a File that has everything but its Logs. */
function logParts(context: FileContext): Array<() => Promise<void>> {
  return [
    () => addEvaluationLogs(context),
    () => exportPart(context, "logs", () => exportLogs(context)),
  ];
}

/** Lists the parts of a File; each that fails is a gap of its own. */
function allParts(context: FileContext): Array<() => Promise<void>> {
  const isDataset = context.file.type === "dataset";
  const parts = [() =>
    exportPart(context, "versions", async () => {
      const ids = await exportVersions(context);
      if (isDataset) await exportDatapoints(context, ids);
    })];
  if (isDataset) return parts;
  parts.push(() =>
    exportPart(context, "evaluations", () => exportEvaluations(context))
  );
  if (context.logs) {
    parts.push(() => exportPart(context, "logs", () => exportLogs(context)));
  }
  return parts;
}
