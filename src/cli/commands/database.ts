/** `database`: makes one SQLite file of exports. */
import type { Runtime } from "../../core/runtime.ts";
import { buildDatabase } from "../../database/build.ts";
import { buildText, isWhole } from "../../database/result_text.ts";
import { escapeControls } from "../../ui/text.ts";
import { buildBar, expectReplaceable } from "../database_file.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options.ts";
import { untilInterrupted } from "../until_interrupted.ts";

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something could not be read.
 * @throws {UsageError} When there is no export, or `--to` names something else.
 * @throws {StorageError} On a disk error.
 * @throws {DOMException} When the user interrupts.
 */
export async function database(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { json, quiet, to } = flags;
  const { disk, terminal, clock } = runtime;
  const dirs = await exportPaths(disk, flags);
  if (to !== undefined) await expectReplaceable(disk, dirs, to);
  const startMs = clock.monotonicMs();
  const bar = buildBar(flags, runtime);
  const { onProgress } = bar;
  const where = to === undefined ? {} : { to };
  const result = await untilInterrupted(
    runtime,
    (signal) => buildDatabase({ disk, dirs, ...where, onProgress, signal }),
  ).finally(bar.end);
  const tookMs = clock.monotonicMs() - startMs;
  const exitCode = isWhole(result) ? EXIT.complete : EXIT.incomplete;
  if (json) {
    const document = { exitCode, exportDirs: dirs, ...result, tookMs };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!quiet || exitCode !== EXIT.complete) {
    terminal.out(escapeControls(buildText(result, tookMs), "\n"));
  }
  return exitCode;
}
