/** `index`: writes the pages of exports, to look inside them with a browser. */
import { join } from "@std/path";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { PageWriter } from "../../report/page_writer.ts";
import { lockIfLogged } from "../../tree/export_dir.ts";
import { lackingParts, openExports } from "../../tree/read/tree_reader.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options/options.ts";
import { printJson, printLine } from "../output.ts";

/** The pages of one export. */
interface Indexed {
  readonly exportDir: string;
  /** The path of the overview. */
  readonly page: string;
  /** How many pages of Files were written. */
  readonly pages: number;
  readonly failed: readonly {
    readonly label: string;
    readonly message: string;
  }[];
  /** What cannot be read, and so is on no page. */
  readonly unread: readonly string[];
  /** What makes the export itself incomplete. */
  readonly lacking: readonly string[];
}

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something is missing or could not be read.
 * @throws {UsageError} When there is no export, or another run holds it.
 * @throws {StorageError} On a disk error.
 */
export async function index(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { quiet, json } = flags;
  const all: Indexed[] = [];
  for (const root of await exportPaths(runtime.disk, flags)) {
    const one = await indexOne(root, runtime);
    all.push(one);
    if (quiet || json) continue;
    const files = pluralize(one.pages, "File");
    runtime.terminal.out(`${one.page} and the pages of ${files} written\n`);
  }
  const isWhole = all.every(({ failed, unread, lacking }) =>
    failed.length + unread.length + lacking.length === 0
  );
  const exitCode = exitCodeOf(isWhole);
  if (json) {
    const documents = all.length === 1 ? all[0] : { exports: all };
    printJson(runtime, { exitCode, ...documents });
  }
  return exitCode;
}

async function indexOne(
  root: string,
  runtime: Runtime,
): Promise<Indexed> {
  const { disk } = runtime;
  using _lock = await lockIfLogged(disk, root);
  const failed: { readonly label: string; readonly message: string }[] = [];
  const unread = new Set<string>();
  const writer = new PageWriter(disk, root, {
    onProblem: ({ path, reason }) => unread.add(`${path} ${reason}`),
    onFailure: (label, error) => {
      const message = escapeControls(String(error));
      failed.push({ label, message });
      printLine(
        runtime,
        "warn",
        `cannot make the page of ${label}: ${message}`,
      );
    },
  });
  const pages = await writer.finish("all");
  const lacking = await lackingParts(disk, await openExports(disk, [root]));
  for (const one of [...unread, ...lacking]) printLine(runtime, "warn", one);
  const page = join(root, "index.html");
  return { exportDir: root, page, pages, failed, unread: [...unread], lacking };
}
