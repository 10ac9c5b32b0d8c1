/**
 * Touching the disk so that nothing half-written ever stands under a final
 * name, and so that a refusal comes out as one clear sentence.
 */
import { dirname, join } from "@std/path";
import { StorageError } from "../core/errors.ts";
import type { Disk, DiskFile } from "../core/runtime.ts";

/** What a file is called until it is complete. */
export const PART_SUFFIX = ".part";

/**
 * Runs one operation on the disk.
 *
 * @param what What is being done: `write /tmp/x`.
 * @param work The operation.
 * @throws {StorageError} When the disk refuses.
 */
export async function onDisk<T>(
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storageError(what, cause);
  }
}

/** The error for a refusal of the disk. */
export function storageError(what: string, cause: unknown): StorageError {
  return new StorageError(`cannot ${what}: ${refusalOf(cause)}`, { cause });
}

/**
 * Opens the file that is to become `path`, making directories as needed.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function openPart(disk: Disk, path: string): Promise<DiskFile> {
  const part = path + PART_SUFFIX;
  const open = () =>
    disk.open(part, { write: true, create: true, truncate: true });
  return await onDisk(`create ${part}`, async () => {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await disk.ensureDir(dirname(path));
      return await open();
    }
  });
}

/**
 * Writes all of `bytes`.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function writeAll(
  file: DiskFile,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await onDisk(`write ${path}`, async () => {
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
  });
}

/**
 * Flushes what {@linkcode openPart} opened, and gives it its final name.
 *
 * @throws {StorageError} When the disk refuses; the file is closed all the same.
 */
export async function commit(
  disk: Disk,
  path: string,
  file: DiskFile,
): Promise<void> {
  await onDisk(`save ${path}`, async () => {
    try {
      await file.syncData();
    } finally {
      file.close();
    }
    await disk.rename(path + PART_SUFFIX, path);
  });
}

/**
 * Writes a whole file: beside its place, flushed, then renamed.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const file = await openPart(disk, path);
  try {
    await writeAll(file, path, bytes);
  } catch (error) {
    file.close();
    throw error;
  }
  await commit(disk, path, file);
}

/**
 * Reads a whole file.
 *
 * @returns Its bytes, or `null` when there is none.
 * @throws {StorageError} When the disk refuses.
 */
export async function readFile(
  disk: Disk,
  path: string,
): Promise<Uint8Array | null> {
  return await orNull(`read ${path}`, () => disk.readFile(path));
}

/**
 * The entries of a directory.
 *
 * @returns Them, sorted by name, or `null` when there is no such directory.
 * @throws {StorageError} When the disk refuses.
 */
export async function listDir(
  disk: Disk,
  path: string,
): Promise<Deno.DirEntry[] | null> {
  const entries = await orNull(
    `list ${path}`,
    () => Array.fromAsync(disk.readDir(path)),
  );
  return entries?.sort((a, b) => a.name < b.name ? -1 : 1) ?? null;
}

/** Removes a file or a directory with all that is in it, if it is there. */
export async function removeAll(disk: Disk, path: string): Promise<void> {
  await orNull(`remove ${path}`, () => disk.remove(path, { recursive: true }));
}

/**
 * Removes what a killed run left half-written below a directory.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function removeParts(disk: Disk, dir: string): Promise<void> {
  for (const { name, isDirectory } of await listDir(disk, dir) ?? []) {
    const path = join(dir, name);
    if (isDirectory) await removeParts(disk, path);
    else if (name.endsWith(PART_SUFFIX)) await removeAll(disk, path);
  }
}

/**
 * Gives a directory the name `….old`, so that what was fetched stays until its
 * replacement is complete. Where there is one of that name already, the newer
 * goes: the older is the one that was complete enough to keep.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function setAside(disk: Disk, dir: string): Promise<void> {
  const old = `${dir}.old`;
  if (await listDir(disk, dir) === null) return;
  if (await listDir(disk, old) !== null) await removeAll(disk, dir);
  else await onDisk(`rename ${dir}`, () => disk.rename(dir, old));
}

/**
 * Removes what a directory holds beyond the given names: leftovers of an
 * earlier run that nothing refers to any more.
 */
export async function prune(
  disk: Disk,
  dir: string,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const { name } of await listDir(disk, dir) ?? []) {
    if (!names.has(name)) await removeAll(disk, join(dir, name));
  }
}

async function orNull<T>(
  what: string,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw storageError(what, error);
  }
}

/** Words for a refusal, with what to do about it. */
function refusalOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return "no space is left on the device; free some and resume";
  }
  if (code === "EROFS") {
    return "the file system is read-only; choose another directory";
  }
  if (
    cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable
  ) {
    return "permission denied; check who owns it, or choose another place";
  }
  if (code === "ENOTDIR") return "part of that path is a file";
  return cause.message;
}
