/**
 * Sets aside what `verify` reports as damaged, so that a resume fetches just
 * that. Nothing is deleted: it is moved below `damaged/<n>/`, where it stays
 * until its owner removes it.
 */
import { dirname, join } from "@std/path";
import { UsageError } from "../core/errors.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { onDisk } from "../tree/write/atomic_file.ts";
import { readSums, type Sums } from "../tree/checksums.ts";
import { lockForRepair } from "../tree/export_dir.ts";
import {
  DAMAGED_NAME,
  listTree,
  type PlainTree,
} from "../tree/read/plain_tree.ts";
import type { Problem } from "./problems.ts";

/** What was set aside. */
export interface SetAside {
  /** Where it was, below the export's directory. */
  readonly path: string;
  /** Where it is now, below the same. */
  readonly to: string;
}

/**
 * Sets aside what is damaged in one export, and `.done` where a resume would
 * not notice by the sums what is missing. A resume does the rest.
 *
 * @param dir The export's directory; problems of other exports are ignored.
 * @param problems What `verify` reported.
 * @returns What was set aside, by path.
 * @throws {UsageError} When another run holds the export.
 * @throws {StorageError} When something cannot be renamed.
 */
export async function repair(
  disk: Disk,
  dir: string,
  problems: readonly Problem[],
): Promise<readonly SetAside[]> {
  using _lock = await lockForRepair(disk, dir);
  const tree = await listTree(disk, dir, { skip: DAMAGED_NAME });
  const ours = problems.filter((one) => one.dir === dir);
  const paths = decideSetAside(ours, tree, await readSums(disk, dir));
  if (paths.length === 0) return [];
  const below = await newDamagedDir(disk, dir);
  const done: SetAside[] = [];
  for (const path of paths) {
    const to = `${below}/${path}`;
    await onDisk(`set ${join(dir, path)} aside`, async () => {
      await disk.ensureDir(join(dir, dirname(to)));
      await disk.rename(join(dir, path), join(dir, to));
    });
    done.push({ path, to });
  }
  return done;
}

/**
 * Decides which paths are set aside: only paths that exist in the directory,
 * since a problem may name a path that a file of the export contains, and none
 * below another.
 */
function decideSetAside(
  problems: readonly Problem[],
  { files, emptyDirs, others }: PlainTree,
  sums: Sums,
): readonly string[] {
  const there = new Set<string>();
  for (const one of [...files, ...emptyDirs, ...others.map((o) => o.path)]) {
    for (let path = one; path !== "." && !there.has(path);) {
      there.add(path);
      path = dirname(path);
    }
  }
  const wanted = new Set<string>();
  const reopened = new Set<string>();
  const noticed = new Set<string>();
  for (const { path, repair } of problems) {
    if (repair === "setAside") wanted.add(path);
    const [, file] = /^(files\/[^/]+)\/./.exec(path) ?? [];
    const isFetched = repair === "setAside" || repair === "fetch";
    if (file !== undefined && isFetched) reopened.add(file);
    // A resume notices by its sum that it is missing, and fetches just that.
    const isMissing = repair === "setAside" || !there.has(path);
    if (file !== undefined && isMissing && sums.has(path)) noticed.add(file);
  }
  for (const file of reopened) {
    if (!noticed.has(file)) wanted.add(`${file}/.done`);
  }
  const isBelowAnother = (path: string): boolean => {
    const above = dirname(path);
    return above !== "." && (wanted.has(above) || isBelowAnother(above));
  };
  return [...wanted].filter((path) => there.has(path) && !isBelowAnother(path))
    .sort();
}

/** Makes `damaged/<n>` with the next free number. */
async function newDamagedDir(disk: Disk, dir: string): Promise<string> {
  const damaged = join(dir, DAMAGED_NAME);
  const info = await disk.lstat(damaged).catch(() => null);
  if (info !== null && !info.isDirectory) {
    throw new UsageError(
      `${damaged} is not a directory, so nothing can be set aside there; rename it`,
    );
  }
  return await onDisk(`make a directory in ${damaged}`, async () => {
    await disk.ensureDir(damaged);
    const entries = await Array.fromAsync(disk.readDir(damaged));
    const names = new Set(entries.map(({ name }) => name));
    let number = 1;
    while (names.has(String(number))) number++;
    const below = `${DAMAGED_NAME}/${number}`;
    await disk.ensureDir(join(dir, below));
    return below;
  });
}
