/**
 * Exports one File: all its parts, then `.done` if nothing is missing. A File
 * that is done is left alone, unless Logs are wanted that it was made without.
 */
import type { FileInfo } from "../api/client.ts";
import { runAll } from "../core/concurrency.ts";
import { type Counts, sumCounts } from "../core/observer.ts";
import {
  type Done,
  FileState,
  readDone,
  readState,
  writeDone,
} from "../tree/checkpoint.ts";
import type { Gap } from "../tree/manifest.ts";
import {
  listDir,
  removeAll,
  removeParts,
  writeFile,
} from "../tree/atomic_file.ts";
import {
  exportPart,
  type FileContext,
  FileReport,
  type RunContext,
} from "./context.ts";
import { exportDatapoints } from "./datapoints.ts";
import { addEvaluationLogs, exportEvaluations } from "./evaluations.ts";
import { exportLogs } from "./logs.ts";
import { exportVersions } from "./versions.ts";

/** What there is to do for a File. */
export type FilePlan =
  | { readonly kind: "skip"; readonly done: Done }
  /** Everything but the Logs is there. */
  | { readonly kind: "addLogs"; readonly done: Done }
  | { readonly kind: "export" };

/** How a File's export ended. */
export interface FileOutcome {
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
}

/**
 * Decides what there is to do for a File.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function planFile(
  context: RunContext,
  file: FileInfo,
): Promise<FilePlan> {
  const { disk, layout, logs } = context;
  const paths = layout.file(file.id);
  const done = await readDone(disk, paths);
  if (done === null) return { kind: "export" };
  // The official script makes logs/ wherever it exported Logs.
  const hasLogs = done.logs ??
    await listDir(disk, paths.list("logs")) !== null;
  if (logs && !hasLogs && file.type !== "dataset") {
    return { kind: "addLogs", done };
  }
  // A kill may have come between .done and the end of the state.
  await removeAll(disk, paths.state);
  return { kind: "skip", done };
}

/**
 * Puts a File's record in its place and clears what a stranger left there.
 *
 * @param record The File as the API listed it.
 * @throws {StorageError} When the disk refuses.
 */
export async function prepareFile(
  context: RunContext,
  file: FileInfo,
  record: Uint8Array,
): Promise<void> {
  const { disk, layout } = context;
  const paths = layout.file(file.id);
  const state = await readState(disk, paths);
  if (state === null) {
    await removeAll(disk, paths.root);
    await new FileState(disk, paths).save();
  } else {
    await removeParts(disk, paths.root);
  }
  await writeFile(disk, paths.file, record);
  context.observer.written("document", 1, record.length);
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
): Promise<FileOutcome> {
  const paths = run.layout.file(file.id);
  const report = new FileReport(file.id);
  // A page is of what stands beside it.
  await removeAll(run.disk, paths.page);
  const state = await readState(run.disk, paths) ??
    new FileState(run.disk, paths);
  const work = run.observer.fileBegun(file.path ?? file.id);
  const walk = { ...run.walk, work };
  const context: FileContext = {
    ...run,
    walk,
    file,
    work,
    paths,
    state,
    report,
  };
  if (plan.kind === "addLogs") {
    await runAll(run.stop, [
      () => addEvaluationLogs(context),
      () => exportPart(context, "logs", () => exportLogs(context)),
    ]);
  } else {
    await runAll(run.stop, partsOf(context));
  }
  const before = plan.kind === "addLogs" ? plan.done.counts : {};
  const counts = sumCounts([before, report.counts]);
  if (report.gaps.length === 0) {
    const logs = run.logs && file.type !== "dataset";
    await writeDone(run.disk, paths, { logs, counts });
  }
  work.end();
  return { counts, gaps: report.gaps };
}

/** The parts of a File, each to end in a gap of its own. */
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
