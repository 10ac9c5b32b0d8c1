/**
 * Makes and opens databases for the commands that need one, and shows the
 * progress.
 */
import type { DatabaseSync } from "node:sqlite";
import { join } from "@std/path";
import { UsageError } from "../core/errors.ts";
import type { Disk, Runtime } from "../core/runtime/runtime.ts";
import { type BuildProgress, DATABASE_NAME } from "../database/build.ts";
import { ensureDatabase } from "../database/ensure.ts";
import { progressText } from "../database/result_text.ts";
import { APPLICATION_ID } from "../database/schema.ts";
import { readDatabase } from "../database/sqlite.ts";
import { expectOutside, realPath } from "../tree/write/output.ts";
import { orNull, readHead } from "../tree/write/atomic_file.ts";
import { lineBar } from "../ui/line_bar.ts";
import { drawBar } from "../ui/progress.ts";
import { escapeControls } from "../ui/text.ts";
import type { Flags } from "./options/options.ts";
import { untilInterrupted } from "./until_interrupted.ts";

/** The beginning of an SQLite file, and where it has the id of its program. */
const SQLITE_HEAD = "SQLite format 3\0";
const APPLICATION_ID_AT = 68;

/**
 * Refuses a path where a file of another kind would be replaced, and a path
 * inside an export other than that of its database.
 *
 * @param dirs The exports.
 * @param path The path that the user gave.
 * @throws {UsageError} When something else is there.
 * @throws {StorageError} When the disk fails.
 */
export async function expectReplaceable(
  disk: Disk,
  dirs: readonly string[],
  path: string,
): Promise<void> {
  const info = await orNull(`look at ${path}`, () => disk.lstat(path));
  if (info === null || info.isFile && await isOurs(disk, path)) {
    const real = await realPath(disk, path);
    for (const dir of dirs) {
      if (join(await realPath(disk, dir), DATABASE_NAME) === real) return;
    }
    return await expectOutside(disk, dirs, path, "name another file");
  }
  throw new UsageError(
    `${
      escapeControls(path)
    } exists and is not a database of hl-export; name another file`,
  );
}

async function isOurs(disk: Disk, path: string): Promise<boolean> {
  const head = await readHead(disk, path, APPLICATION_ID_AT + 4);
  if (head.length < APPLICATION_ID_AT + 4) return false;
  const text = new TextDecoder("latin1").decode(head);
  const id = new DataView(head.buffer).getUint32(APPLICATION_ID_AT);
  return text.startsWith(SQLITE_HEAD) && id === APPLICATION_ID;
}

/** Shows a bar while a database is made. */
export interface BuildBar {
  readonly onProgress: (progress: BuildProgress) => void;
  /** Removes the bar. */
  readonly end: () => void;
}

/** Makes the bar. */
export function buildBar(flags: Flags, runtime: Runtime): BuildBar {
  const { show, end } = lineBar(flags, runtime);
  let step: BuildProgress["step"] = "read";
  return {
    onProgress: (progress) => {
      const { bytes, totalBytes } = progress;
      const isNew = progress.step !== step;
      ({ step } = progress);
      const bar = drawBar(bytes, totalBytes);
      show((ms) => `${bar} ${progressText(progress, ms)}`, isNew);
    },
    end,
  };
}

/** A database that is open. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly path: string;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
}

/**
 * Works with the database of exports, until the user interrupts; makes it first
 * if it is missing or older than they are.
 *
 * @param isReadOnce Whether all of it is read, once.
 * @throws {UsageError} When a directory is not an export, or `--database` names
 * another
 *   file.
 * @throws {StorageError} On a disk error, or when the database is damaged.
 * @throws {DOMException} When the user interrupts.
 * @throws What the work throws.
 */
export async function withDatabase<T>(
  dirs: readonly string[],
  flags: Flags,
  runtime: Runtime,
  work: (open: OpenDatabase) => Promise<T>,
  { isReadOnce = true }: { readonly isReadOnce?: boolean } = {},
): Promise<T> {
  const { disk } = runtime;
  const to = flags.database;
  if (to !== undefined) await expectReplaceable(disk, dirs, to);
  return await untilInterrupted(runtime, async (signal) => {
    const { onProgress, end } = buildBar(flags, runtime);
    const path = await ensureDatabase({ disk, dirs, to, onProgress, signal })
      .finally(end);
    return await readDatabase(
      path,
      { isReadOnce },
      (database) => work({ database, path, signal }),
    );
  });
}
