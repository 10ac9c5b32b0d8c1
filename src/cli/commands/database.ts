/** `database`: makes one SQLite file of exports. */
import type { Runtime } from "../../core/runtime/runtime.ts";
import { buildDatabase } from "../../database/build.ts";
import { buildText, isWhole } from "../../database/result_text.ts";
import { buildBar, expectReplaceable } from "../database_file.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options/options.ts";
import { printResult } from "../output.ts";
import { untilInterrupted } from "../until_interrupted.ts";

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something is missing or could not be read.
 * @throws {UsageError} When there is no export, or `--to` names something else.
 * @throws {StorageError} On a disk error.
 * @throws {DOMException} When the user interrupts.
 */
export async function database(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { to } = flags;
  const { disk, clock } = runtime;
  const dirs = await exportPaths(disk, flags);
  if (to !== undefined) await expectReplaceable(disk, dirs, to);
  const startMs = clock.monotonicMs();
  const { onProgress, end } = buildBar(flags, runtime);
  const result = await untilInterrupted(
    runtime,
    (signal) => buildDatabase({ disk, dirs, to, onProgress, signal }),
  ).finally(end);
  const tookMs = clock.monotonicMs() - startMs;
  return printResult(flags, runtime, exitCodeOf(isWhole(result)), {
    document: { exportDirs: dirs, ...result, tookMs },
    text: () => buildText(result, tookMs),
  });
}
