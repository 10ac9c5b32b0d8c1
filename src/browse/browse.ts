/** Makes the database of an export where it is missing or old, and serves it. */
import { join } from "@std/path";
import { StorageError } from "../core/errors.ts";
import {
  buildDatabase,
  type BuildOptions,
  type BuildResult,
  DATABASE_NAME,
  isCurrent,
} from "../database/build.ts";
import { openDatabase } from "../database/sqlite.ts";
import { serveBrowse, type ServeOptions } from "./serve.ts";

/** What to browse. */
export type BrowseOptions =
  & Omit<BuildOptions, "fullText">
  & Omit<ServeOptions, "database">
  & {
    /** Hears of a database that had to be made. */
    readonly onBuilt?: (result: BuildResult) => void;
  };

/**
 * Serves exports until the signal aborts.
 *
 * @throws {UsageError} When a directory is no export.
 * @throws {StorageError} When the disk refuses.
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export async function browse(options: BrowseOptions): Promise<void> {
  const { dirs, to, onBuilt } = options;
  const database = to ?? join(dirs[0]!, DATABASE_NAME);
  if (!await isFresh(database, options)) {
    onBuilt?.(await buildDatabase(options));
  }
  await serveBrowse({ ...options, database });
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ERR_SQLITE_ERROR";
}

async function isFresh(path: string, options: BrowseOptions): Promise<boolean> {
  let database;
  try {
    database = openDatabase(path);
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
  try {
    return await isCurrent(database, options);
  } catch (error) {
    // A file that is no database, or one of another program.
    if (isSqliteError(error)) return false;
    throw error;
  } finally {
    database.close();
  }
}
