/** `prompts`: writes the Prompts and Agents of exports as files that others read. */
import { join } from "@std/path";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { writeDatasets } from "../../datasets/write_datasets.ts";
import { expectOutside } from "../../tree/write/output.ts";
import { testFinder } from "../../prompts/test_files.ts";
import {
  TESTS,
  writePromptfoo,
  type WrittenPromptfoo,
} from "../../prompts/write_promptfoo.ts";
import { writePrompts } from "../../prompts/write_prompts.ts";
import { pluralize } from "../../ui/text.ts";
import { withDatabase } from "../database_file.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import { oneOf } from "../options/option_values.ts";
import type { Flags } from "../options/options.ts";
import { printLine, printResult } from "../output.ts";

/** What `--format` may be; the first is the default. */
const FORMATS = ["humanloop", "promptfoo"] as const;

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something is missing or could not be read.
 * @throws {UsageError} When there is no export, the target is inside it, or there is
 * no such format.
 * @throws {StorageError} When a file cannot be written.
 * @throws {DOMException} When the user interrupts.
 */
export async function prompts(flags: Flags, runtime: Runtime): Promise<number> {
  const { to = "", quiet } = flags;
  const { disk } = runtime;
  const format = oneOf(FORMATS)([flags.format ?? FORMATS[0]], "--format");
  const onlyDeployed = flags.deployed ?? false;
  const dirs = await exportPaths(disk, flags);
  const { notes, ...written } = format === "promptfoo"
    ? await promptfoo(dirs, to, flags, runtime)
    : { notes: [], ...await writePrompts({ disk, dirs, to, onlyDeployed }) };
  const { files, versions, unread, inexact } = written;
  for (const one of unread) printLine(runtime, "warn", one);
  for (const { file, reasons, json } of inexact) {
    const text = `${file} does not say ${reasons.join("; ")}`;
    printLine(runtime, "warn", `${text}: all of it is in ${json}`);
  }
  for (const one of quiet ? [] : notes) printLine(runtime, "note", one);
  const exitCode = exitCodeOf(unread.length === 0);
  return printResult(flags, runtime, exitCode, {
    document: {
      ...{ exportDir: dirs[0], exportDirs: dirs, to, ...written },
      ...format === "promptfoo" && { notes },
    },
    text: () =>
      `${pluralize(versions, "Version")} of ${
        pluralize(files, "File")
      } (Prompts and Agents) written to ${to}\n`,
  });
}

/** Writes configurations of promptfoo, and Datasets as their tests. */
async function promptfoo(
  dirs: readonly string[],
  to: string,
  flags: Flags,
  runtime: Runtime,
): Promise<WrittenPromptfoo> {
  const { disk } = runtime;
  await expectOutside(disk, dirs, to);
  return await withDatabase(
    dirs,
    flags,
    runtime,
    async ({ database, signal }) => {
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
    },
    { isReadOnce: false },
  );
}
