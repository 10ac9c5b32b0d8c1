/** `index`: writes the pages of an export, to look inside it with a browser. */
import { join } from "@std/path";
import { EXIT } from "../exit_codes.ts";
import { exportPath } from "../export_path.ts";
import type { Flags } from "../options.ts";
import { lockIfLogged } from "../../tree/export_dir.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import type { Runtime } from "../../core/runtime.ts";
import { writePages } from "../../report/write_pages.ts";

/**
 * Runs the command.
 *
 * @returns The exit code.
 * @throws {UsageError} When there is no export, or a run is at work in it.
 * @throws {StorageError} On a disk error.
 */
export async function index(
  { operands: [dir = ""], output, quiet, json }: Flags,
  { disk, terminal }: Runtime,
): Promise<number> {
  const root = await exportPath(disk, dir, output);
  using _lock = await lockIfLogged(disk, root);
  const failed: { readonly label: string; readonly message: string }[] = [];
  const unread = new Set<string>();
  const pages = await writePages(disk, root, {
    which: "all",
    onProblem: ({ path, reason }) => unread.add(`${path} ${reason}`),
    onFailure: (label, error) => {
      const message = escapeControls(String(error));
      failed.push({ label, message });
      terminal.err(`warn: cannot make the page of ${label}: ${message}\n`);
    },
  });
  for (const one of unread) terminal.err(`warn: ${escapeControls(one)}\n`);
  const isWhole = failed.length + unread.size === 0;
  const exitCode = isWhole ? EXIT.complete : EXIT.incomplete;
  const page = join(root, "index.html");
  if (json) {
    const document = {
      ...{ exitCode, exportDir: root, page, pages, failed },
      unread: [...unread],
    };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!quiet) {
    terminal.out(
      `${page} and the pages of ${pluralize(pages, "File")} written\n`,
    );
  }
  return exitCode;
}
