/**
 * Makes the database of an export if it is missing or older than the export.
 */
import { join } from "@std/path";
import { StorageError } from "../core/errors.ts";
import {
  buildDatabase,
  type BuildOptions,
  type BuildResult,
  DATABASE_NAME,
  isCurrent,
} from "./build.ts";
import { openDatabase } from "./sqlite.ts";

/** Which database is needed. */
export type EnsureOptions = Omit<BuildOptions, "fullText"> & {
  /** Called with a database that had to be made. */
  readonly onBuilt?: (result: BuildResult) => void;
};

/**
 * Makes sure that there is a database of exports as they are now.
 *
 * @returns Its path.
 * @throws {UsageError} When a directory is not an export.
 * @throws {StorageError} On a disk error.
 * @throws The signal's reason when it aborts.
 */
export async function ensureDatabase(options: EnsureOptions): Promise<string> {
  const { dirs, to, onBuilt } = options;
  const path = to ?? join(dirs[0]!, DATABASE_NAME);
  if (!await isFresh(path, options)) {
    const result = await buildDatabase(options);
    onBuilt?.(result);
  }
  return path;
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ERR_SQLITE_ERROR";
}

async function isFresh(path: string, options: EnsureOptions): Promise<boolean> {
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
    // The file is not a database, or one of another program.
    if (isSqliteError(error)) return false;
    throw error;
  } finally {
    database.close();
  }
}
