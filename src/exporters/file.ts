/**
 * Exports one File: all its parts, then `.done` if nothing is missing. A File
 * that is complete is left alone, unless Logs are wanted that it was made without.
 */
import type { FileInfo } from "../api/client.ts";
import { runAll } from "../core/concurrency.ts";
import { isRecoverable } from "../core/errors.ts";
import type { Gap } from "../core/gap.ts";
import { type Counts, sumCounts } from "../core/observer.ts";
import { listDir } from "../tree/atomic_file.ts";
import { Checkpoints, readCheckpoints } from "../tree/checkpoint.ts";
import { type Done, readDone, writeDone } from "../tree/done.ts";
import { removeParts, removeScratch } from "../tree/removal.ts";
import {
  exportPart,
  type FileContext,
  FileReport,
  type RunContext,
  writeDocument,
} from "./context.ts";
import { exportDatapoints } from "./datapoints.ts";
import { addEvaluationLogs, exportEvaluations } from "./evaluations.ts";
import {
  countOfficial,
  findDamage,
  rebuildCheckpoints,
  setAsideDamaged,
} from "./file_check.ts";
import { exportLogs } from "./logs.ts";
import { exportVersions } from "./versions.ts";

/** What there is to do for a File. */
export type FilePlan =
  | { readonly kind: "skip"; readonly counts: Counts }
  /** Everything but the Logs is there. */
  | { readonly kind: "addLogs"; readonly counts: Counts }
  | { readonly kind: "export" };

/** How a File's export ended. */
export interface FileResult {
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
}

/**
 * Decides what there is to do for a File.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function planFile(
  context: RunContext,
  file: FileInfo,
): Promise<FilePlan> {
  const { disk, layout, observer } = context;
  const paths = layout.file(file.id);
  const done = await readDone(disk, paths);
  if (done === null) return { kind: "export" };
  // The official script makes logs/ wherever it exported Logs.
  const hasLogs = done.logs ?? await listDir(disk, paths.list("logs")) !== null;
  const wantsLogs = context.logs && file.type !== "dataset";
  const sums = context.earlierSums.get(file.id) ?? new Map();
  const name = file.path ?? file.id;
  const isOfficial = done.logs === undefined;
  const counts = isOfficial
    ? await officialCounts(context, file, hasLogs)
    : done.counts;
  const damage = isOfficial
    ? counts === null ? "the API has something else" : null
    : await findDamage(context, { file, paths }, sums, done);
  if (counts === null || damage !== null) {
    observer.log("WARN", `${name} is exported again: ${damage}`);
    await reopenFile(context, file, done);
    return { kind: "export" };
  }
  if (wantsLogs && !hasLogs) return { kind: "addLogs", counts };
  // A kill may have come between .done and the end of the state.
  await removeScratch(disk, paths.state);
  return { kind: "skip", counts };
}

/** Counts a File of the official script; `null` where the API has something else. */
async function officialCounts(
  context: RunContext,
  file: FileInfo,
  hasLogs: boolean,
): Promise<Counts | null> {
  const paths = context.layout.file(file.id);
  try {
    return await countOfficial(context, { file, paths }, hasLogs);
  } catch (error) {
    if (!isRecoverable(error)) throw error;
    return null;
  }
}

/** Takes back that a File is complete; what is there of it stays. */
async function reopenFile(
  context: RunContext,
  file: FileInfo,
  done: Done,
): Promise<void> {
  const paths = context.layout.file(file.id);
  const sums = context.earlierSums.get(file.id) ?? new Map();
  // First of all: a kill must not leave it behind with less than it says.
  await context.sums.drop(paths.done);
  await removeScratch(context.disk, paths.done);
  await setAsideDamaged(context, { file, paths }, sums);
  const checkpoints = done.logs === undefined
    ? new Checkpoints(context.disk, paths)
    : await rebuildCheckpoints(context, { file, paths }, sums, done);
  await checkpoints.save();
}

/**
 * Writes a File's record, `file.json`.
 *
 * @param record The File as the API listed it.
 * @throws {StorageError} When the disk fails.
 */
export async function prepareFile(
  context: RunContext,
  file: FileInfo,
  record: Uint8Array,
): Promise<void> {
  const { disk, layout } = context;
  const paths = layout.file(file.id);
  await removeParts(disk, paths.root);
  await writeDocument(context, paths.file, record);
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
  plan: Exclude<FilePlan, { kind: "skip" }>,
): Promise<FileResult> {
  const { disk, layout, observer, stop } = run;
  const paths = layout.file(file.id);
  // The page shows what was there before.
  await removeScratch(disk, paths.page);
  const context: FileContext = {
    ...run,
    file,
    paths,
    progress: observer.fileStarted(file.path ?? file.id),
    checkpoints: await readCheckpoints(disk, paths, file.id),
    report: new FileReport(file.id),
  };
  const { report, progress } = context;
  await runAll(
    stop,
    plan.kind === "addLogs" ? logsOf(context) : partsOf(context),
  );
  const before = plan.kind === "addLogs" ? plan.counts : {};
  const counts = sumCounts([before, report.counts]);
  if (report.gaps.length === 0) {
    const logs = run.logs && file.type !== "dataset";
    await writeDone(disk, paths, { logs, counts }, run.sums);
  }
  progress.end();
  return { counts, gaps: report.gaps };
}

/** Lists the parts to add to a File that has everything but its Logs. */
function logsOf(context: FileContext): Array<() => Promise<void>> {
  return [
    () => addEvaluationLogs(context),
    () => exportPart(context, "logs", () => exportLogs(context)),
  ];
}

/** Lists the parts of a File, each to end in a gap of its own. */
function partsOf(context: FileContext): Array<() => Promise<void>> {
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
