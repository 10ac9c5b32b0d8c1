/** `browse`: serves exports to a browser on this machine. */
import { browse } from "../../browse/browse.ts";
import { StorageError } from "../../core/errors.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { buildText, isWhole } from "../../database/result_text.ts";
import { escapeControls } from "../../ui/text.ts";
import { buildBar, expectReplaceable } from "../database_file.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options/options.ts";
import { printLine } from "../output.ts";
import { portError } from "../options/port.ts";
import { untilInterrupted } from "../until_interrupted.ts";

/**
 * Runs the command, until Ctrl-C.
 *
 * @returns The exit code.
 * @throws {UsageError} When there is no export, `--to` names something else, or
 * the port is taken.
 * @throws {StorageError} On a disk error.
 * @throws {DOMException} When the user interrupts before anything is served.
 */
export async function browseCommand(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { port = 0, quiet, to } = flags;
  const { disk, terminal, clock } = runtime;
  const dirs = await exportPaths(disk, flags);
  if (to !== undefined) await expectReplaceable(disk, dirs, to);
  const startMs = clock.monotonicMs();
  const bar = buildBar(flags, runtime);
  const serve = (signal: AbortSignal) =>
    browse({
      ...{ disk, dirs, to, port, signal, onProgress: bar.onProgress },
      onBuilt: (result) => {
        bar.end();
        if (quiet && isWhole(result)) return;
        const text = buildText(result, clock.monotonicMs() - startMs);
        terminal.out(escapeControls(text, "\n"));
      },
      onListen: (url) =>
        terminal.out(
          quiet ? `${url}\n` : `Open ${url} with a browser; Ctrl-C stops it\n`,
        ),
      onFailure: (error) => {
        const reason = error instanceof Error ? error.stack : String(error);
        const text = error instanceof StorageError
          ? `a page cannot be made: ${error.message}`
          : `a page cannot be made: internal error, please report it: ${reason}`;
        printLine(runtime, "warn", text, "\n");
      },
    });
  try {
    await untilInterrupted(runtime, serve);
  } catch (error) {
    throw portError(error, port);
  } finally {
    bar.end();
  }
  return EXIT.complete;
}
