/**
 * Writes files so that nothing half-written ever has a final name. A failure of
 * the disk throws a `StorageError`.
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "@std/path";
import { StorageError } from "../../core/errors.ts";
import type { Disk, DiskFile } from "../../core/runtime/runtime.ts";

/** What is known of a file's content. */
export interface FileSum {
  /** SHA-256 in hex, or {@linkcode UNKNOWN_SUM}. */
  readonly sum: string;
  /** In bytes; `null` in sums that version 0.1.0 wrote. */
  readonly size: number | null;
}

/** Keeps the sums of an export's files. */
export interface SumRecorder {
  /** Notes that a file is being renamed (without a sum) or was renamed. */
  record(path: string, sum: FileSum): Promise<void>;
  /** Notes that a file, or a directory with all that is in it, loses its name. */
  drop(path: string): Promise<void>;
}

/** Stands for the sum of a file that is just being renamed. */
export const UNKNOWN_SUM = "?";
/** Ends the name of a file until it is complete. */
export const PART_SUFFIX = ".part";

/**
 * Runs one operation on the disk.
 *
 * @param action What is being done: `write /tmp/x`.
 * @param work The operation.
 */
export async function onDisk<T>(
  action: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storageError(action, cause);
  }
}

/**
 * Creates a directory, and those above it; one that exists is left as it is.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function createDir(disk: Disk, path: string): Promise<void> {
  await onDisk(`create ${path}`, () => disk.ensureDir(path));
}

/** Makes the error for a failure of the disk. */
export function storageError(action: string, cause: unknown): StorageError {
  return new StorageError(`cannot ${action}: ${reasonOf(cause)}`, { cause });
}

/**
 * A file that gets its final name only when it is complete: written as `….part`
 * beside that name, summed on the way, flushed, then renamed. Disposing it
 * without `commit` leaves the part file, which the next run removes.
 */
export class AtomicFile implements Disposable {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #sums: SumRecorder | null;
  readonly #hash: Hash | null;
  #size = 0;
  #isClosed = false;

  private constructor(
    ...[disk, path, file, sums]: [Disk, string, DiskFile, SumRecorder | null]
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#sums = sums;
    this.#hash = sums && createHash("sha256");
  }

  /**
   * Opens the file that is to become `path`, making directories as needed.
   *
   * @param sums Keeps the sums of the export that it belongs to, if to any.
   */
  static async open(
    disk: Disk,
    path: string,
    sums: SumRecorder | null = null,
  ): Promise<AtomicFile> {
    const part = path + PART_SUFFIX;
    const options = { write: true, create: true, truncate: true, mode: 0o600 };
    const open = () => disk.open(part, options);
    const file = await onDisk(`create ${part}`, async () => {
      try {
        return await open();
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        await disk.ensureDir(dirname(path));
        return await open();
      }
    });
    return new AtomicFile(disk, path, file, sums);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash?.update(bytes);
    this.#size += bytes.length;
    await writeAll(this.#file, this.#path, bytes);
  }

  /**
   * Flushes the file and gives it its name.
   *
   * @param options.flush Whether to flush it; a file that can be made again
   * need not be.
   */
  async commit({ flush = true } = {}): Promise<void> {
    await onDisk(`save ${this.#path}`, async () => {
      try {
        if (flush) await this.#file.syncData();
      } finally {
        this[Symbol.dispose]();
      }
      const path = this.#path;
      await this.#sums?.record(path, { sum: UNKNOWN_SUM, size: null });
      await this.#disk.rename(path + PART_SUFFIX, path);
      if (this.#sums === null || this.#hash === null) return;
      const sum = this.#hash.digest("hex");
      await this.#sums.record(path, { sum, size: this.#size });
    });
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.#file.close();
    this.#isClosed = true;
  }
}

/** Writes all of `bytes`. */
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
 * Writes a whole file as `….part`, flushed, then renamed.
 *
 * @param sums Keeps the sums of the export that it belongs to, if to any.
 */
export async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  sums: SumRecorder | null = null,
): Promise<void> {
  using file = await AtomicFile.open(disk, path, sums);
  await file.write(bytes);
  await file.commit();
}

/**
 * Reads a whole file.
 *
 * @returns Its bytes, or `null` when there is none.
 */
export async function readFile(
  disk: Disk,
  path: string,
): Promise<Uint8Array | null> {
  return await orNull(`read ${path}`, () => disk.readFile(path));
}

/**
 * Reads the beginning of a file.
 *
 * @param length How many bytes to read.
 * @returns The bytes; fewer if the file is shorter.
 */
export async function readHead(
  disk: Disk,
  path: string,
  length: number,
): Promise<Uint8Array> {
  const head = new Uint8Array(length);
  return await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    try {
      return head.subarray(0, await file.read(head) ?? 0);
    } finally {
      file.close();
    }
  });
}

/**
 * Lists a directory.
 *
 * @returns Its entries, sorted by name, or `null` if there is no such
 * directory.
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

/** Runs one operation on the disk; returns `null` if nothing is at the path. */
export async function orNull<T>(
  action: string,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw storageError(action, error);
  }
}

/** Describes a failure, and what to do about it. */
function reasonOf(cause: unknown): string {
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
    return "permission denied; check who owns it, or choose another directory";
  }
  if (code === "ENOTDIR") return "part of that path is a file";
  return cause.message;
}
