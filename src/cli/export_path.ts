/** Finds the exports that a command is given. */
import { join } from "@std/path";
import { UsageError } from "../core/errors.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { listDir } from "../tree/write/atomic_file.ts";
import { exportRoot } from "../tree/read/tree_reader.ts";
import { DEFAULT_OUTPUT, LATEST } from "./options/defaults.ts";
import type { Flags } from "./options/options.ts";

/**
 * Finds the directories of exports, each once. For an export's `files/` it
 * returns the export, so that nothing is written into `files/`.
 *
 * @throws {UsageError} When there is no newest export.
 */
export async function exportPaths(
  disk: Disk,
  { operands, output }: Pick<Flags, "operands" | "output">,
): Promise<readonly string[]> {
  const paths = new Set<string>();
  for (const one of operands) {
    paths.add(await exportRoot(disk, await exportPath(disk, one, output)));
  }
  return [...paths];
}

/**
 * Finds the directory of an export.
 *
 * @param path What the user typed: a directory, or `latest`.
 * @param output Where `latest` looks.
 * @returns Its path, without a slash at its end.
 * @throws {UsageError} When there is no newest export.
 */
export async function exportPath(
  disk: Disk,
  path: string,
  output = DEFAULT_OUTPUT,
): Promise<string> {
  if (path !== LATEST) return path.replace(/(?<=.)[/\\]+$/, "");
  const entries = await listDir(disk, output).catch((cause) => {
    throw new UsageError(cause.message, { cause });
  });
  const names = (entries ?? []).map(({ name }) => name)
    .filter((name) => /^\d{8}-\d{6}(-\d+)?$/.test(name))
    .sort(new Intl.Collator("en", { numeric: true }).compare);
  const newest = names.at(-1);
  if (newest !== undefined) return join(output, newest);
  throw new UsageError(
    `there is no export in ${output}; give the directory of one instead of ${LATEST}, or --output`,
  );
}
