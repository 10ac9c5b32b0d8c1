/** Opens SQLite files, to build or to read them, and explains their errors. */
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../core/errors.ts";

/** What a column holds. */
export type SqlValue = string | number | null;
/** A row, by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Bytes of a page: room for several Logs, with little waste. */
const PAGE_BYTES = 16_384;

/** Memory for pages, and as much again for sorting, in kilobytes. */
const CACHE_KB = 12_000;

/**
 * Makes a database to fill. It is not protected against a crash, after which it
 * is thrown away. (Its journal cannot be off: Deno opens databases in SQLite's
 * defensive mode.)
 *
 * @throws {StorageError} When it cannot be made.
 */
export function createDatabase(path: string): DatabaseSync {
  const database = opened(`create ${path}`, () => new DatabaseSync(path));
  database.exec(`PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA journal_mode = MEMORY;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -${CACHE_KB};
    PRAGMA temp_store = FILE;
    PRAGMA foreign_keys = OFF;`);
  return database;
}

/**
 * Opens a database to read it.
 *
 * @param isReadOnce Whether all of it is read, once: little is kept in memory.
 * @throws {StorageError} When it cannot be opened, or is not a database.
 */
export function openDatabase(
  path: string,
  { isReadOnce = false }: { readonly isReadOnce?: boolean } = {},
): DatabaseSync {
  return opened(`open ${path}`, () => {
    const database = new DatabaseSync(path, { readOnly: true });
    database.exec(`PRAGMA query_only = ON;
      PRAGMA cache_size = -${isReadOnce ? 8192 : 65536};
      PRAGMA mmap_size = ${isReadOnce ? 0 : 2_000_000_000};
      PRAGMA temp_store = MEMORY;`);
    return database;
  });
}

/**
 * Opens a database to read it, and closes it after the work.
 *
 * @param options As of {@linkcode openDatabase}.
 * @throws {StorageError} When it cannot be opened or is damaged.
 */
export async function readDatabase<T>(
  path: string,
  options: { readonly isReadOnce?: boolean },
  work: (database: DatabaseSync) => Promise<T>,
): Promise<T> {
  const database = openDatabase(path, options);
  try {
    return await work(database);
  } catch (cause) {
    throw damagedDatabase(path, cause) ?? cause;
  } finally {
    database.close();
  }
}

/** Checks whether another program is writing a database at this moment. */
export function isBeingWritten(path: string): boolean {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    all(database, "SELECT 1 FROM sqlite_schema");
    return false;
  } catch (error) {
    return error instanceof Error && error.message === "database is locked";
  }
}

/** Makes the error for a database that is damaged; `null` where that is not why. */
export function damagedDatabase(
  path: string,
  cause: unknown,
): StorageError | null {
  const isDamaged = cause instanceof Error &&
    /^(database disk image is malformed|disk I\/O error|file is not a database)/
      .test(cause.message);
  if (!isDamaged) return null;
  return new StorageError(
    `cannot read ${path}: ${cause.message}; remove it and run the command again, which rebuilds it`,
    { cause },
  );
}

function opened(what: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`cannot ${what}: ${reason}`, { cause });
  }
}

/** Reads all rows of a query. */
export function all(
  database: DatabaseSync,
  sql: string,
  values: readonly SqlValue[] = [],
): readonly SqlRow[] {
  return database.prepare(sql).all(...values) as SqlRow[];
}

/** Reads the first row of a query; `null` if there is none. */
export function first(
  database: DatabaseSync,
  sql: string,
  values: readonly SqlValue[] = [],
): SqlRow | null {
  return (database.prepare(sql).get(...values) ?? null) as SqlRow | null;
}
