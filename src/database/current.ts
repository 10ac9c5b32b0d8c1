/** Makes the database of exports where it is missing or older than they are. */
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

/** Of which exports. */
export type CurrentOptions = Omit<BuildOptions, "fullText"> & {
  /** Hears of a database that had to be made. */
  readonly onBuilt?: (result: BuildResult) => void;
};

/**
 * Makes the database unless there is one of these exports as they are now.
 *
 * @returns Its path.
 * @throws {UsageError} When a directory is no export.
 * @throws {StorageError} When the disk refuses.
 * @throws The signal's reason when it aborts.
 */
export async function currentDatabase(
  options: CurrentOptions,
): Promise<string> {
  const path = options.to ?? join(options.dirs[0]!, DATABASE_NAME);
  if (!await isFresh(path, options)) {
    const result = await buildDatabase(options);
    options.onBuilt?.(result);
  }
  return path;
}

async function isFresh(
  path: string,
  options: CurrentOptions,
): Promise<boolean> {
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

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ERR_SQLITE_ERROR";
}
