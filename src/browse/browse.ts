/** Makes the database of an export where it is missing or old, and serves it. */
import { currentDatabase, type CurrentOptions } from "../database/current.ts";
import { serveBrowse, type ServeOptions } from "./serve.ts";

/** What to browse. */
export type BrowseOptions = CurrentOptions & Omit<ServeOptions, "database">;

/**
 * Serves exports until the signal aborts.
 *
 * @throws {UsageError} When a directory is no export.
 * @throws {StorageError} When the disk refuses.
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export async function browse(options: BrowseOptions): Promise<void> {
  const database = await currentDatabase(options);
  await serveBrowse({ ...options, database });
}
