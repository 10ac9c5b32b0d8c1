/**
 * Makes the directory of one export, or opens it to resume. A run holds locks
 * on the directory itself and on `export.log`; the system releases them however
 * the run ends. A lock on the log is not enough: if it is moved away, another
 * run makes a new one and locks that.
 */
import { basename, join } from "@std/path";
import { UsageError } from "../core/errors.ts";
import type { Disk, DiskFile } from "../core/runtime/runtime.ts";
import { Layout } from "./layout.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { storageError } from "./write/atomic_file.ts";
import { expectPlainTree } from "./read/plain_tree.ts";

/** An export's directory, locked for this run. */
export interface ExportDir {
  readonly layout: Layout;
  /**
   * The manifest of an earlier run; `null` if new or of the official script.
   */
  readonly manifest: Manifest | null;
  /** Whether this run made it. */
  readonly isNew: boolean;
  /** `export.log`, open at its end; closing it releases the locks. */
  readonly log: DiskFile;
}

/**
 * Makes a directory named after the local time, never one that is there.
 *
 * @param disk The disk.
 * @param parent Where to make it; made too if it is not there.
 * @param now The present.
 * @throws {UsageError} When it cannot be made.
 */
export async function createExportDir(
  disk: Disk,
  parent: string,
  now: Date,
): Promise<ExportDir> {
  const name = join(parent, timestamp(now));
  let path = name;
  try {
    await disk.ensureDir(parent);
    for (let attempt = 2; !await makeDir(disk, path); attempt++) {
      path = `${name}-${attempt}`;
    }
  } catch (cause) {
    throw refusal(`create an export in ${parent}`, cause);
  }
  return await lock(disk, path, { manifest: null, isNew: true });
}

/** Makes a directory; returns whether it was not there. */
async function makeDir(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/**
 * Opens an export that an earlier run of this tool, or of the official script,
 * has started.
 *
 * @throws {UsageError} When there is no export, another run holds it, or it
 * holds something other than plain files and directories.
 */
export async function openExportDir(
  disk: Disk,
  path: string,
): Promise<ExportDir> {
  const names = await expectExport(disk, path);
  await expectPlainTree(disk, path);
  const manifest = await readManifest(disk, join(path, "export.json"));
  if (manifest === null && names.has("export.json")) {
    throw new UsageError(
      `${path}/export.json is damaged or not from hl-export; restore it, or remove it to resume by the files alone`,
    );
  }
  return await lock(disk, path, { manifest, isNew: false });
}

/**
 * Makes sure that a directory is an export.
 *
 * @returns The names in it.
 * @throws {UsageError} When it is not one.
 */
export async function expectExport(
  disk: Disk,
  path: string,
): Promise<ReadonlySet<string>> {
  const entries = await exportEntries(disk, path);
  const names = new Set(entries.map(({ name }) => name));
  if (names.has("export.json") || names.has("files")) return names;
  if (!names.has("export.log")) throw notAnExport(path);
  throw new UsageError(
    `the run in ${path} ended before it saved anything, not even its settings; start a new export`,
  );
}

/**
 * Lists a directory that a user named as an export.
 *
 * @throws {UsageError} When it is not a directory, or cannot be listed.
 */
export async function exportEntries(
  disk: Disk,
  path: string,
): Promise<readonly Deno.DirEntry[]> {
  const hint =
    "give the directory of an export, such as exports/20250606-120000";
  try {
    return await Array.fromAsync(disk.readDir(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new UsageError(`there is no directory ${path}; ${hint}`, { cause });
    }
    if (cause instanceof Deno.errors.NotADirectory) {
      throw new UsageError(`${path} is a file; ${hint}`, { cause });
    }
    throw refusal(`list ${path}`, cause);
  }
}

/** Makes the error for a directory that is not an export. */
export function notAnExport(path: string): UsageError {
  return new UsageError(
    `${path} is not an export: it holds neither export.json nor files/; give a directory such as exports/20250606-120000`,
  );
}

/**
 * Locks an export while pages are written into it. One without a log, as the
 * official script may leave it, is not locked.
 *
 * @returns Releases the lock.
 * @throws {UsageError} When a run holds it, or it holds something other than
 * plain files and directories.
 */
export async function lockIfLogged(
  disk: Disk,
  path: string,
): Promise<Disposable> {
  await expectExport(disk, path);
  await expectPlainTree(disk, path);
  return await lockForRepair(disk, path);
}

/**
 * Locks an export that may hold anything, while damaged files in it are set
 * aside.
 *
 * @returns Releases the lock.
 * @throws {UsageError} When a run holds it.
 */
export async function lockForRepair(
  disk: Disk,
  path: string,
): Promise<Disposable> {
  const entries = await exportEntries(disk, path);
  const hasLog = entries.some(({ name, isFile }) =>
    isFile && name === "export.log"
  );
  const held = hasLog
    ? (await lock(disk, path, { manifest: null, isNew: false })).log
    : await lockDirectory(disk, path);
  return { [Symbol.dispose]: () => held?.close() };
}

async function lock(
  disk: Disk,
  path: string,
  known: Pick<ExportDir, "manifest" | "isNew">,
): Promise<ExportDir> {
  const layout = new Layout(path);
  const held = await lockDirectory(disk, path);
  let log: DiskFile;
  try {
    const options = { append: true, create: true, mode: 0o600 };
    log = await disk.open(layout.log, options);
  } catch (cause) {
    held?.close();
    throw refusal(`write ${layout.log}`, cause);
  }
  // Closing the log unlocks the directory too.
  const close = log.close.bind(log);
  log.close = () => {
    close();
    held?.close();
  };
  if (await log.tryLock(true)) return { layout, log, ...known };
  log.close();
  throw anotherRun(path);
}

/**
 * Locks the directory itself, a lock that does not depend on any file in it.
 *
 * @returns The directory, or `null` on systems that lock only files.
 * @throws {UsageError} When a run holds it.
 */
async function lockDirectory(
  disk: Disk,
  path: string,
): Promise<DiskFile | null> {
  let dir: DiskFile | null = null;
  let isFree: boolean;
  try {
    dir = await disk.open(path, { read: true });
    isFree = await dir.tryLock(true);
  } catch {
    // Windows cannot open directories, and some network file systems cannot
    // lock them: there, only the log is locked.
    dir?.close();
    return null;
  }
  if (isFree) return dir;
  dir.close();
  throw anotherRun(path);
}

function refusal(action: string, cause: unknown): UsageError {
  return new UsageError(storageError(action, cause).message, { cause });
}

function anotherRun(path: string): UsageError {
  return new UsageError(
    `another run is at work on ${
      basename(path)
    }; wait for it, or stop it first`,
  );
}

/** Writes the local time as `YYYYMMDD-HHMMSS`. */
function timestamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [now.getMonth() + 1, now.getDate()].map(two).join("");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two);
  return `${now.getFullYear()}${date}-${time.join("")}`;
}
