/** `index`: writes the pages of an export, to look inside it with a browser. */
import { EXIT } from "../exit_codes.ts";
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
 * @throws {StorageError} When the disk refuses.
 */
export async function index(
  { dir: root = "", quiet }: Flags,
  { disk, terminal }: Runtime,
): Promise<number> {
  using _lock = await lockIfLogged(disk, root);
  let failed = 0;
  const unread = new Set<string>();
  const pages = await writePages(disk, root, {
    which: "all",
    onProblem: ({ path, reason }) => unread.add(`${path} ${reason}`),
    onFailure: (fileId, error) => {
      failed++;
      terminal.err(
        `warn: cannot make the page of ${fileId}: ${
          escapeControls(String(error))
        }\n`,
      );
    },
  });
  for (const one of unread) terminal.err(`warn: ${escapeControls(one)}\n`);
  if (!quiet) {
    terminal.out(
      `${root}/index.html and the pages of ${
        pluralize(pages, "File")
      } written\n`,
    );
  }
  return failed + unread.size === 0 ? EXIT.complete : EXIT.incomplete;
}
