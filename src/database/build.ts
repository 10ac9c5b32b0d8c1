/**
 * Makes one SQLite file of exports, as a part file that is renamed when it is
 * complete. A build that is stopped removes it; one that is killed leaves it to
 * be replaced by the next build.
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import { dirname, join } from "@std/path";
import { StorageError } from "../core/errors.ts";
import {
  type Counts,
  RECORD_KINDS,
  type RecordKind,
} from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import {
  createDir,
  onDisk,
  orNull,
  PART_SUFFIX,
} from "../tree/write/atomic_file.ts";
import { removeScratch } from "../tree/write/removal.ts";
import { PAGE_NAME } from "../tree/layout.ts";
import {
  lackingParts,
  openExports,
  openFile,
  readFileRecords,
  type TreeExport,
  type TreeFile,
} from "../tree/read/tree_reader.ts";
import {
  findDangling,
  makeKeys,
  removeDoubleLogs,
  removeDoubles,
} from "./check.ts";
import { KINDS, Loader, recordsIn } from "./load.ts";
import { addNested } from "./nested.ts";
import {
  addedColumns,
  APPLICATION_ID,
  INDEXES,
  SCHEMA_VERSION,
  tablesSql,
  viewsSql,
} from "./schema.ts";
import { all, createDatabase, first, isBeingWritten } from "./sqlite.ts";

/** The name of the database in an export's directory. */
export const DATABASE_NAME = "humanloop.db";

/**
 * Bytes of a chunk that are read at once. With more, records outlive two
 * scavenges of the garbage collector, which doubles the memory.
 */
const PART_BYTES = 64 * 1024;

/** The progress of a build. */
export interface BuildProgress {
  readonly step: "read" | "nested" | "index" | "check";
  /** Bytes of the export read so far. */
  readonly bytes: number;
  /** Bytes to read in all. */
  readonly totalBytes: number;
}

/** What to build. */
export interface BuildOptions {
  readonly disk: Disk;
  /** Directories of exports. */
  readonly dirs: readonly string[];
  /** Where the database goes; by default into the first directory. */
  readonly to?: string;
  /** Whether to make the full-text index of Logs; true by default. */
  readonly fullText?: boolean;
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

/** Records of a kind: how many were read, and how many the export says there are. */
export interface Compared {
  readonly kind: RecordKind;
  readonly read: number;
  /** Of the Files that state a count: the counts, and what was read of them. */
  readonly stated: number;
  readonly readOfStated: number;
}

/** The result of a build. */
export interface BuildResult {
  readonly path: string;
  /** Bytes of the database. */
  readonly bytes: number;
  /** Bytes of the export. */
  readonly bytesRead: number;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly compared: readonly Compared[];
  /** Problems by kind: how many rows they concern. */
  readonly problems: Readonly<Record<string, number>>;
  /** Files that are not complete in the export itself. */
  readonly incompleteFiles: number;
  /** What makes the export itself incomplete, a line each. */
  readonly lacking: readonly string[];
}

const INCOMPLETE = `SELECT count(*) AS n FROM files
  WHERE ifnull(state, '') <> 'complete'`;

const ROWS_OF = [
  ...["files", "versions", "deployments", "datapoints", "evaluations", "runs"],
  ...["evaluation_logs", "logs", "judgments", "problems"],
];

/**
 * Builds the database.
 *
 * @throws {UsageError} When a directory is not an export.
 * @throws {StorageError} On a disk error.
 * @throws The signal's reason when it aborts.
 */
export async function buildDatabase(
  options: BuildOptions,
): Promise<BuildResult> {
  const { disk, dirs, signal } = options;
  const path = options.to ?? join(dirs[0]!, DATABASE_NAME);
  const exports = await openExports(disk, dirs);
  signal?.throwIfAborted();
  const part = path + PART_SUFFIX;
  const parent = dirname(path);
  await createDir(disk, parent);
  const before = await orNull(`look at ${part}`, () => disk.lstat(part));
  if (before?.isFile && isBeingWritten(part)) {
    throw new StorageError(
      `cannot write ${path}: another run is making it; wait until it is done`,
    );
  }
  await removeScratch(disk, part);
  // Creates the file, for its owner only.
  const file = await onDisk(
    `create ${part}`,
    () => disk.open(part, { write: true, createNew: true, mode: 0o600 }),
  );
  file.close();
  try {
    const result = await inDatabase(
      part,
      (database) => fill(database, exports, options),
    );
    signal?.throwIfAborted();
    await publish(disk, part, path);
    const { size } = await onDisk(`look at ${path}`, () => disk.lstat(path));
    return { ...result, path, bytes: size };
  } catch (error) {
    await removeScratch(disk, part);
    throw error;
  }
}

async function inDatabase<T>(
  path: string,
  work: (database: DatabaseSync) => Promise<T>,
): Promise<T> {
  const database = createDatabase(path);
  try {
    return await work(database);
  } catch (cause) {
    const isSqlite = cause instanceof Error &&
      /^(database or disk is full|disk I\/O error|attempt to write)/
        .test(cause.message);
    if (!isSqlite) throw cause;
    throw new StorageError(`cannot write ${path}: ${cause.message}`, { cause });
  } finally {
    database.close();
  }
}

/** Flushes the file and renames it. */
async function publish(disk: Disk, part: string, path: string): Promise<void> {
  await onDisk(`save ${path}`, async () => {
    const file = await disk.open(part, { write: true });
    try {
      await file.syncData();
    } finally {
      file.close();
    }
    await disk.rename(part, path);
  });
}

async function fill(
  database: DatabaseSync,
  exports: readonly TreeExport[],
  { disk, fullText = true, onProgress, signal }: BuildOptions,
): Promise<Omit<BuildResult, "path" | "bytes">> {
  const sizes = [];
  for (const tree of exports) sizes.push(await measure(disk, tree, signal));
  const totalBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytes = 0;
  const progress = (step: BuildProgress["step"]) =>
    onProgress?.({ step, bytes, totalBytes });
  const pause = async () => {
    // Lets signals be handled.
    await setImmediate();
    signal?.throwIfAborted();
  };
  database.exec(tablesSql({ fullText }));
  database.exec("BEGIN");
  const loader = new Loader(database, { fullText });
  const counts = new KindCounts();
  for (const [i, tree] of exports.entries()) {
    const number = i + 1;
    loader.addExport(number, tree, sizes[i]!.fingerprint);
    for (const id of tree.fileIds) {
      const file = await openFile(disk, tree, id);
      const onBytes = (read: Uint8Array) => {
        bytes += read.length;
        progress("read");
      };
      const read: { [kind in RecordKind]?: number } = {};
      const how = { onBytes, partBytes: PART_BYTES };
      for await (const part of readFileRecords(disk, file, how)) {
        const kind = KINDS[part.part];
        if (kind !== null) read[kind] = (read[kind] ?? 0) + recordsIn(part);
        loader.add(number, file, part);
        signal?.throwIfAborted();
      }
      counts.add(loader, number, file, read);
      await pause();
    }
  }
  makeKeys(loader);
  await addNested(loader, async () => {
    progress("nested");
    await pause();
  });
  removeDoubleLogs(loader);
  removeDoubles(database);
  for (const sql of INDEXES) {
    progress("index");
    await pause();
    database.exec(sql);
  }
  progress("check");
  findDangling(database);
  for (const sql of addedColumns()) database.exec(sql);
  database.exec(`${viewsSql()}
    PRAGMA analysis_limit = 1000;
    ANALYZE;
    PRAGMA user_version = ${SCHEMA_VERSION};
    PRAGMA application_id = ${APPLICATION_ID};
    COMMIT`);
  const rows = ROWS_OF.map((table) => {
    const row = first(database, `SELECT count(*) AS n FROM ${table}`)!;
    return [table, Number(row["n"])] as const;
  });
  const problems = all(
    database,
    "SELECT kind, sum(rows) AS n FROM problems GROUP BY kind ORDER BY kind",
  ).map(({ kind, n }) => [String(kind), Number(n)] as const);
  return {
    bytesRead: bytes,
    rows: Object.fromEntries(rows),
    compared: counts.compared(),
    problems: Object.fromEntries(problems),
    incompleteFiles: Number(first(database, INCOMPLETE)!["n"]),
    lacking: await lackingParts(disk, exports),
  };
}

/** Counts what was read of each File, and compares it with what the export says. */
class KindCounts {
  readonly #sums = new Map<RecordKind, Compared>();

  add(loader: Loader, number: number, file: TreeFile, read: Counts): void {
    const stated = statedCounts(file);
    for (const kind of RECORD_KINDS) {
      const sum = this.#sums.get(kind) ??
        { kind, read: 0, stated: 0, readOfStated: 0 };
      const records = read[kind] ?? 0;
      const expected = stated?.[kind] ?? 0;
      this.#sums.set(kind, {
        kind,
        read: sum.read + records,
        stated: sum.stated + (stated === null ? 0 : expected),
        readOfStated: sum.readOfStated + (stated === null ? 0 : records),
      });
      if (stated === null || records === expected) continue;
      loader.problem({
        ...{ kind: "count", table: kind, column: "file_id", value: file.id },
        rows: Math.abs(records - expected),
        reason: `holds ${records}, but the export states ${expected}`,
        position: { number, path: `files/${file.id}`, line: null },
      });
    }
  }

  compared(): readonly Compared[] {
    return [...this.#sums.values()];
  }
}

/** Returns the counts of a complete File; `null` if the export states none. */
function statedCounts({ done, entry }: TreeFile): Counts | null {
  if (done !== null && done.logs !== undefined) return done.counts;
  return entry?.state === "complete" ? entry.counts : null;
}

/** Makes the fingerprint of an export from the sizes of its files. */
async function measure(
  disk: Disk,
  tree: TreeExport,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number; readonly fingerprint: string }> {
  const hash = createHash("sha256");
  hash.update(`${tree.manifest?.startedAt} ${tree.manifest?.state}\n`);
  let bytes = 0;
  for (const id of tree.fileIds) {
    const { names } = await openFile(disk, tree, id);
    for (const name of [...names].sort()) {
      if (name === PAGE_NAME || name.endsWith(PART_SUFFIX)) continue;
      const path = join(tree.dir, "files", id, name);
      const { size } = await onDisk(`look at ${path}`, () => disk.lstat(path));
      hash.update(`${id}/${name} ${size}\n`);
      if (!name.startsWith(".")) bytes += size;
    }
    signal?.throwIfAborted();
  }
  return { bytes, fingerprint: hash.digest("hex") };
}

/**
 * Checks whether a database holds these exports as they are now.
 *
 * @param database What {@linkcode openDatabase} opened.
 * @throws {UsageError} When a directory is not an export.
 */
export async function isCurrent(
  database: DatabaseSync,
  { disk, dirs, signal }: Pick<BuildOptions, "disk" | "dirs" | "signal">,
): Promise<boolean> {
  const version = first(database, "PRAGMA user_version");
  if (version?.["user_version"] !== SCHEMA_VERSION) return false;
  const known = all(database, "SELECT fingerprint FROM export ORDER BY number");
  const exports = await openExports(disk, dirs);
  if (known.length !== exports.length) return false;
  for (const [i, tree] of exports.entries()) {
    const { fingerprint } = await measure(disk, tree, signal);
    if (known[i]!["fingerprint"] !== fingerprint) return false;
  }
  return true;
}
