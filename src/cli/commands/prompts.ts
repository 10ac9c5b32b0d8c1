/** `prompts`: writes the Prompts and Agents of exports as files that others read. */
import { join } from "@std/path";
import { UsageError } from "../../core/errors.ts";
import type { Runtime } from "../../core/runtime.ts";
import { withDatabase } from "../../database/sqlite.ts";
import { writeDatasets } from "../../datasets/write_datasets.ts";
import { expectOutside } from "../../prompts/output_dir.ts";
import { testFinder } from "../../prompts/test_files.ts";
import {
  TESTS,
  writePromptfoo,
  type WrittenPromptfoo,
} from "../../prompts/write_promptfoo.ts";
import { writePrompts } from "../../prompts/write_prompts.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import { databaseOf } from "../database_file.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options.ts";
import { untilInterrupted } from "../until_interrupted.ts";

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something could not be read.
 * @throws {UsageError} When there is no export, the target is inside it, or there is
 * no such format.
 * @throws {StorageError} When a file cannot be written.
 * @throws {DOMException} When the user interrupts.
 */
export async function prompts(flags: Flags, runtime: Runtime): Promise<number> {
  const { to = "", quiet, json } = flags;
  const { disk, terminal } = runtime;
  const { format = "humanloop", deployed: onlyDeployed = false } = flags;
  if (format !== "humanloop" && format !== "promptfoo") {
    throw new UsageError(`--format is humanloop or promptfoo, not ${format}`);
  }
  const dirs = await exportPaths(disk, flags);
  const result = format === "promptfoo"
    ? await promptfoo(dirs, to, flags, runtime)
    : { notes: [], ...await writePrompts({ disk, dirs, to, onlyDeployed }) };
  const { notes, ...written } = result;
  const { files, versions, unread, inexact } = written;
  const warn = (one: string, kind = "warn") =>
    terminal.err(`${kind}: ${escapeControls(one)}\n`);
  for (const one of unread) warn(one);
  for (const { file, reasons, json } of inexact) {
    warn(`${file} does not say ${reasons.join("; ")}: all of it is in ${json}`);
  }
  if (!quiet) { for (const one of notes) warn(one, "note"); }
  const exitCode = unread.length === 0 ? EXIT.complete : EXIT.incomplete;
  if (json) {
    const document = {
      ...{ exitCode, exportDir: dirs[0], exportDirs: dirs, to, ...written },
      ...format === "promptfoo" && { notes },
    };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!quiet) {
    const of = pluralize(files, "File");
    terminal.out(
      `${
        pluralize(versions, "Version")
      } of ${of} (Prompts and Agents) written to ${to}\n`,
    );
  }
  return exitCode;
}

/** Writes configurations of promptfoo, and Datasets as their tests. */
async function promptfoo(
  dirs: readonly string[],
  to: string,
  flags: Flags,
  runtime: Runtime,
): Promise<WrittenPromptfoo> {
  const { disk } = runtime;
  expectOutside(dirs, to);
  return await untilInterrupted(runtime, async (signal) => {
    const path = await databaseOf(dirs, flags, runtime, signal);
    return await withDatabase(path, {}, async (database) => {
      const target = { to: join(to, TESTS), format: "promptfoo" } as const;
      const context = { disk, exportDirs: dirs, signal };
      const tests = await writeDatasets(database, target, context);
      const chosen = tests.files.filter(({ deployed }) => deployed);
      const find = testFinder(database, chosen);
      const written = await writePromptfoo({ disk, dirs, to }, find);
      const textsOf = (isLoss: boolean) =>
        tests.problems.filter((one) => one.isLoss === isLoss)
          .map(({ text }) => text);
      return {
        ...written,
        unread: [...written.unread, ...textsOf(true)],
        notes: [...written.notes, ...textsOf(false)],
      };
    });
  });
}
