/** `prompts`: writes the Prompts and Agents of an export as readable files. */
import type { Runtime } from "../../core/runtime.ts";
import { writePrompts } from "../../prompts/write_prompts.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPath } from "../export_path.ts";
import type { Flags } from "../options.ts";

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something could not be read.
 * @throws {UsageError} When there is no export, or the target is inside it.
 * @throws {StorageError} When a file cannot be written.
 */
export async function prompts(
  { operands: [dir = ""], to = "", output, quiet, json }: Flags,
  { disk, terminal }: Runtime,
): Promise<number> {
  const root = await exportPath(disk, dir, output);
  const result = await writePrompts({ disk, dirs: [root], to });
  const { files, versions, unread, inexact } = result;
  const warnings = [
    ...unread,
    ...inexact.map(({ file, reasons, json }) =>
      `${file} does not say ${reasons.join("; ")}: all of it is in ${json}`
    ),
  ];
  for (const one of warnings) terminal.err(`warn: ${escapeControls(one)}\n`);
  const exitCode = unread.length === 0 ? EXIT.complete : EXIT.incomplete;
  if (json) {
    const document = { exitCode, exportDir: root, to, ...result };
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
