/**
 * Keeps the output of commands out of exports, and below the chosen directory.
 */
import { basename, dirname, join, resolve } from "@std/path";
import { UsageError } from "../../core/errors.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import { AtomicFile, orNull, PART_SUFFIX, writeFile } from "./atomic_file.ts";
import { removeScratch } from "./removal.ts";

/**
 * Makes sure that nothing is written into an export, by its own path or through
 * symbolic links.
 *
 * @param dirs The exports' directories.
 * @throws {UsageError} When `to` is one of them, or inside.
 * @throws {StorageError} When the disk fails.
 */
export async function expectOutside(
  disk: Disk,
  dirs: readonly string[],
  to: string,
  advice = "choose another directory with --to",
): Promise<void> {
  const isIn = (dir: string, path: string) =>
    path === dir || path.startsWith(join(dir, "/"));
  const real = await realPath(disk, to);
  for (const dir of dirs) {
    if (
      !isIn(resolve(dir), resolve(to)) &&
      !isIn(await realPath(disk, dir), real)
    ) continue;
    throw new UsageError(
      `${to} is inside the export, where only what the API sent belongs; ${advice}`,
    );
  }
}

/**
 * Resolves the symbolic links of a path, as far as it exists.
 *
 * @returns The absolute path.
 * @throws {StorageError} When the disk fails.
 */
export async function realPath(disk: Disk, path: string): Promise<string> {
  const whole = resolve(path);
  const real = await orNull(`look at ${path}`, () => disk.realPath(whole));
  const parent = dirname(whole);
  if (real !== null || parent === whole) return real ?? whole;
  return join(await realPath(disk, parent), basename(whole));
}

/**
 * Makes sure that a directory below `to` is reached through no symbolic link.
 *
 * @param known Directories that were checked already.
 * @throws {UsageError} When there is one.
 */
export async function expectPlainDirs(
  disk: Disk,
  to: string,
  dir: string,
  known: Set<string>,
): Promise<void> {
  if (known.has(dir) || dir.length <= join(to).length) return;
  await expectPlainDirs(disk, to, dirname(dir), known);
  const info = await disk.lstat(dir).catch(() => null);
  if (info?.isSymlink) {
    throw new UsageError(
      `cannot write through the symbolic link ${dir}; remove it, or choose another directory with --to`,
    );
  }
  known.add(dir);
}

/**
 * Makes the function that writes texts below a directory, through no symbolic
 * link.
 *
 * @returns Writes a text to a path below it, with `/` between names.
 */
export function outputWriter(
  disk: Disk,
  to: string,
): (name: string, text: string) => Promise<void> {
  const plainDirs = new Set<string>();
  return async (name, text) => {
    const path = join(to, name);
    await expectPlainDirs(disk, to, dirname(path), plainDirs);
    await writeFile(disk, path, new TextEncoder().encode(text));
  };
}

/**
 * Writes files that belong together: all are renamed when the work is done; if
 * it fails, no part file is left behind.
 *
 * @param work Writes them, in the order of the paths.
 * @throws {StorageError} When the disk fails.
 * @throws What the work throws.
 */
export async function writeAllOrNone<T>(
  disk: Disk,
  paths: readonly string[],
  work: (files: readonly AtomicFile[]) => Promise<T>,
): Promise<T> {
  let isDone = false;
  // Runs last, after the files are closed.
  await using scratch = new AsyncDisposableStack();
  scratch.defer(async () => {
    if (isDone) return;
    for (const path of paths) {
      // Where the disk refuses this too, the error that ended the work says why.
      await removeScratch(disk, path + PART_SUFFIX).catch(() => {});
    }
  });
  const files: AtomicFile[] = [];
  for (const path of paths) {
    files.push(scratch.use(await AtomicFile.open(disk, path)));
  }
  const result = await work(files);
  for (const file of files) await file.commit();
  isDone = true;
  return result;
}
