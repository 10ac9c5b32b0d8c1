/** `datasets`: writes the Datasets of exports in formats that other tools read. */
import { UsageError } from "../../core/errors.ts";
import type { Runtime } from "../../core/runtime.ts";
import { withDatabase } from "../../database/sqlite.ts";
import {
  type DatasetFormat,
  writeDatasets,
  type WrittenDatasets,
} from "../../datasets/write_datasets.ts";
import { expectOutside } from "../../prompts/output_dir.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import { databaseOf } from "../database_file.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import { type Flags, optionOf } from "../options.ts";
import { untilInterrupted } from "../until_interrupted.ts";

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
  const { to = "", quiet, json } = flags;
  const { disk, terminal } = runtime;
  const format = readFormat(flags);
  const dirs = await exportPaths(disk, flags);
  expectOutside(dirs, to);
  const { files, problems } = await untilInterrupted(
    runtime,
    async (signal) => {
      const path = await databaseOf(dirs, flags, runtime, signal);
      const context = { disk, exportDirs: dirs, signal };
      return await withDatabase(
        path,
        { isReadOnce: true },
        (database) => writeDatasets(database, { to, format }, context),
      );
    },
  );
  for (const { text, isLoss } of problems) {
    if (quiet && !isLoss) continue;
    terminal.err(`${isLoss ? "warn" : "info"}: ${escapeControls(text)}\n`);
  }
  const isWhole = problems.every(({ isLoss }) => !isLoss);
  const exitCode = isWhole ? EXIT.complete : EXIT.incomplete;
  const counts = countsOf(files);
  if (json) {
    const document = {
      ...{ exitCode, exportDirs: dirs, to, format, ...counts, files, problems },
    };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!quiet) {
    const { datasets, versions, datapoints } = counts;
    terminal.out(
      `${pluralize(datapoints, "Datapoint")} in ${
        pluralize(versions, "Version")
      } of ${pluralize(datasets, "Dataset")} written to ${
        escapeControls(to)
      }\n`,
    );
  }
  return exitCode;
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

/** Reads `--format`. */
function readFormat({ format = "jsonl" }: Flags): DatasetFormat {
  const formats = optionOf("datasets", "format").complete ?? [];
  if (formats.includes(format)) return format as DatasetFormat;
  throw new UsageError(
    `--format is jsonl, csv or promptfoo, not ${format}`,
  );
}
