/** `datasets`: writes the Datasets of exports in formats that other tools read. */
import type { Runtime } from "../../core/runtime/runtime.ts";
import {
  type DatasetFormat,
  writeDatasets,
  type WrittenDatasets,
} from "../../datasets/write_datasets.ts";
import { expectOutside } from "../../tree/write/output.ts";
import { pluralize } from "../../ui/text.ts";
import { withDatabase } from "../database_file.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import { oneOf } from "../options/option_values.ts";
import type { Flags } from "../options/options.ts";
import { printLine, printResult } from "../output.ts";

/** What `--format` may be; the first is the default. */
const FORMATS = [
  "jsonl",
  "csv",
  "promptfoo",
] as const satisfies readonly DatasetFormat[];

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something is missing or could not be read.
 * @throws {UsageError} When there is no export, the target is inside one, or there
 * is no such format.
 * @throws {StorageError} When a file cannot be written.
 * @throws {DOMException} When the user interrupts.
 */
export async function datasets(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { to = "", quiet } = flags;
  const { disk } = runtime;
  const format = oneOf(FORMATS)([flags.format ?? FORMATS[0]], "--format");
  const dirs = await exportPaths(disk, flags);
  await expectOutside(disk, dirs, to);
  const { files, problems } = await withDatabase(
    dirs,
    flags,
    runtime,
    ({ database, signal }) => {
      const context = { disk, exportDirs: dirs, signal };
      return writeDatasets(database, { to, format }, context);
    },
  );
  for (const { text, isLoss } of problems) {
    if (quiet && !isLoss) continue;
    printLine(runtime, isLoss ? "warn" : "info", text);
  }
  const exitCode = exitCodeOf(problems.every(({ isLoss }) => !isLoss));
  const counts = countsOf(files);
  return printResult(flags, runtime, exitCode, {
    document: { exportDirs: dirs, to, format, ...counts, files, problems },
    text: () =>
      `${pluralize(counts.datapoints, "Datapoint")} in ${
        pluralize(counts.versions, "Version")
      } of ${pluralize(counts.datasets, "Dataset")} written to ${to}\n`,
  });
}

/** Counts what was written, each Version once. */
function countsOf(files: WrittenDatasets["files"]) {
  const own = files.filter(({ deployed }) => !deployed);
  return {
    datasets: new Set(own.map(({ fileId }) => fileId)).size,
    versions: own.length,
    datapoints: own.reduce((sum, { datapoints }) => sum + datapoints, 0),
  };
}
