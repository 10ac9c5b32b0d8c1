/**
 * Removes files of an export; no other module does. Data is first set aside
 * under a name with `.old`, and removed only when its replacement is complete
 * and holds all of its records. A failure of the disk throws a `StorageError`.
 */
import { basename, dirname, join } from "@std/path";
import type { Disk } from "../../core/runtime/runtime.ts";
import {
  createDir,
  listDir,
  onDisk,
  orNull,
  PART_SUFFIX,
  type SumRecorder,
} from "./atomic_file.ts";
import type { Layout } from "../layout.ts";

/** Files without data of the API: part files, and notes of this program. */
const SCRATCH =
  /\.part$|^\.state\.json$|^SHA256SUMS\.journal$|^index\.html$|^humanloop\.db$|^\.done$|^%paths\.json$/;
/** What was set aside: `logs.old`, `logs.old-2`. */
const ASIDE = /\.old(-\d+)?$/;

/** Removes a file that holds no data, if it is there. */
export async function removeScratch(disk: Disk, path: string): Promise<void> {
  if (!SCRATCH.test(basename(path))) {
    throw new Error(`${path} may hold data and is not removed`);
  }
  await orNull(`remove ${path}`, () => disk.remove(path));
}

/** Removes what a killed run left half-written below a directory. */
export async function removeParts(disk: Disk, dir: string): Promise<void> {
  for (const { name, isDirectory } of await listDir(disk, dir) ?? []) {
    const path = join(dir, name);
    if (isDirectory) await removeParts(disk, path);
    else if (name.endsWith(PART_SUFFIX)) await removeScratch(disk, path);
  }
}

/**
 * Sets a file or a directory aside: renames it to `….old`, or to `….old-2` and
 * so on if there is one already.
 *
 * @param sums Keeps the sums of the export that it belongs to, if to any.
 * @returns Its new path.
 */
export async function setAside(
  disk: Disk,
  path: string,
  sums: SumRecorder | null,
): Promise<string> {
  const to = await freeAside(disk, path);
  await moveAside(disk, path, to, sums);
  return to;
}

/**
 * Sets files of a directory aside, together in one directory beside it.
 *
 * @param names Names in the directory.
 * @returns The path of that directory; `null` when there was nothing.
 */
export async function setAsideFiles(
  disk: Disk,
  dir: string,
  names: readonly string[],
  sums: SumRecorder | null,
): Promise<string | null> {
  if (names.length === 0) return null;
  const aside = await freeAside(disk, dir);
  await createDir(disk, aside);
  for (const name of names) {
    await moveAside(disk, join(dir, name), join(aside, name), sums);
  }
  return aside;
}

async function moveAside(
  disk: Disk,
  path: string,
  to: string,
  sums: SumRecorder | null,
): Promise<void> {
  await sums?.drop(path);
  await onDisk(`rename ${path}`, () => disk.rename(path, to));
}

async function freeAside(disk: Disk, path: string): Promise<string> {
  const siblings = await listDir(disk, dirname(path)) ?? [];
  const taken = new Set(siblings.map(({ name }) => name));
  let aside = `${path}.old`;
  for (let n = 2; taken.has(basename(aside)); n++) aside = `${path}.old-${n}`;
  return aside;
}

/**
 * Finds what was set aside for a file or a directory.
 *
 * @returns The paths, oldest first.
 */
export async function findAside(
  disk: Disk,
  path: string,
): Promise<readonly string[]> {
  const dir = dirname(path);
  const name = basename(path);
  const entries = await listDir(disk, dir) ?? [];
  return entries.map((entry) => entry.name)
    .filter((one) => ASIDE.test(one) && nameBeforeAside(one) === name)
    .map((one) => join(dir, one));
}

/** Checks whether a name says that something was set aside. */
export function isAside(name: string): boolean {
  return ASIDE.test(name);
}

/** Returns the name that something had before it was set aside. */
export function nameBeforeAside(name: string): string {
  return name.replace(ASIDE, "");
}

/**
 * Removes what was set aside, if its replacement holds all of it.
 *
 * @param aside A path that {@linkcode setAside} gave.
 * @param isReplaced Checks whether its replacement holds every record of it.
 * @returns Whether it was removed.
 */
export async function removeReplaced(
  disk: Disk,
  aside: string,
  isReplaced: () => Promise<boolean>,
): Promise<boolean> {
  if (!ASIDE.test(basename(aside))) {
    throw new Error(`${aside} was not set aside and is not removed`);
  }
  if (!await isReplaced()) return false;
  await orNull(
    `remove ${aside}`,
    () => disk.remove(aside, { recursive: true }),
  );
  return true;
}

/**
 * Removes the directory of an export that holds nothing but its log.
 *
 * @throws What the disk throws, also when there is more in it.
 */
export async function removeEmptyExport(
  disk: Disk,
  { root, log }: Layout,
): Promise<void> {
  const entries = await listDir(disk, root) ?? [];
  const paths = entries.map(({ name }) => join(root, name));
  const scratch = paths.filter((path) => SCRATCH.test(basename(path)));
  if (paths.some((path) => path !== log && !scratch.includes(path))) return;
  for (const path of scratch) await removeScratch(disk, path);
  await orNull(`remove ${log}`, () => disk.remove(log));
  await disk.remove(root);
}
