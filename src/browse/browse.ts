/** Makes the database of exports if it is missing or old, and serves it. */
import { ensureDatabase, type EnsureOptions } from "../database/ensure.ts";
import { serveBrowse, type ServeOptions } from "./serve.ts";

/** What to browse. */
export type BrowseOptions = EnsureOptions & Omit<ServeOptions, "database">;

/**
 * Serves exports until the signal aborts.
 *
 * @throws {UsageError} When a directory is not an export.
 * @throws {StorageError} On a disk error.
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export async function browse(options: BrowseOptions): Promise<void> {
  await serveBrowse({ ...options, database: await ensureDatabase(options) });
}
