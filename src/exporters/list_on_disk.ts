/**
 * Reads what is on disk of a list: which chunks hold all of their records, and
 * what was set aside. Everything is read and parsed; nothing is taken for
 * complete by its name.
 */
import { relative } from "@std/path";
import type { ListSpec } from "../api/list_spec.ts";
import { StorageError } from "../core/errors.ts";
import { KeySet } from "../core/key_set.ts";
import { CHUNK_RECORDS, gapsOfChunk, offsetOf } from "../core/ranges.ts";
import type { Disk } from "../core/runtime.ts";
import { listDir } from "../tree/atomic_file.ts";
import type { ListCheckpoint } from "../tree/checkpoint.ts";
import {
  type ChunkContent,
  linesOfChunk,
  listChunks,
  readChunk,
  type ReadKey,
  readKeys,
  readKeysOfChunk,
} from "../tree/chunk_reader.ts";
import { chunkPath } from "../tree/layout.ts";
import { findAside, removeReplaced } from "../tree/removal.ts";

/** The chunks of a list that hold all of their records, by their numbers. */
export type CompleteChunks = Map<number, ChunkContent>;

/** What is on disk of a list. */
export interface ListOnDisk {
  readonly complete: CompleteChunks;
  /** The numbers of all chunks. */
  readonly chunks: readonly number[];
}

/** Makes the function that reads a record's key from its line. */
export function keyReader<T>(spec: ListSpec<T>): ReadKey {
  return (line) => spec.key(spec.read(JSON.parse(line)));
}

/**
 * Reads the chunks of a list.
 *
 * @param dir The list's directory.
 * @param checkpoint What an earlier run kept of it; without it no chunk counts
 * as complete.
 * @throws {StorageError} When the directory cannot be listed.
 */
export async function readListOnDisk(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
  checkpoint: ListCheckpoint | undefined,
): Promise<ListOnDisk> {
  const chunks = await listChunks(disk, dir) ?? [];
  const complete: CompleteChunks = new Map();
  if (checkpoint === undefined) return { complete, chunks };
  const { total, gaps } = checkpoint;
  for (const number of chunks) {
    const keys = new Set<string>();
    const path = chunkPath(dir, number);
    const content = await readChunk(
      disk,
      path,
      readKey,
      (key) => keys.add(key),
    );
    if (content === null || keys.size < content.lines) continue;
    // Nothing but the end of a finished list may stand in a short chunk.
    const isShort = linesOfChunk(number, total) < CHUNK_RECORDS;
    const isWhole = content.lines === linesOfChunk(number, total) &&
      content.lines > 0 && gapsOfChunk(gaps, number).length === 0;
    if (isWhole && (!isShort || checkpoint.finished)) {
      complete.set(number, content);
    }
  }
  return { complete, chunks };
}

/**
 * Counts the records of a list that can be read.
 *
 * @throws {StorageError} When a chunk cannot be read to its end.
 */
export async function countLinesOnDisk(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
): Promise<number> {
  let lines = 0;
  for (const chunk of await listChunks(disk, dir) ?? []) {
    const path = chunkPath(dir, chunk);
    lines += (await readKeysOfChunk(disk, path, readKey)).keys.length;
  }
  return lines;
}

/** Runs of chunks that are to be read, first and last number. */
export interface ChunkRun {
  readonly first: number;
  /** `null` for up to the list's end. */
  readonly last: number | null;
}

/**
 * Finds the runs of chunks that are missing or have a gap.
 *
 * @param total How many records the list had; `null` where that is not known.
 */
export function runsToRead(
  complete: CompleteChunks,
  total: number | null,
  isFinished: boolean,
): readonly ChunkRun[] {
  const runs: ChunkRun[] = [];
  // Of a list of unknown length only a beginning is known to be complete.
  const count = total === null
    ? complete.size
    : Math.ceil(total / CHUNK_RECORDS);
  let first: number | null = null;
  for (let chunk = 1; chunk <= count; chunk++) {
    if (!complete.has(chunk)) first ??= chunk;
    else if (first !== null) {
      runs.push({ first, last: chunk - 1 });
      first = null;
    }
  }
  if (first !== null) runs.push({ first, last: null });
  else if (!isFinished) runs.push({ first: count + 1, last: null });
  return runs;
}

/**
 * Reads the keys of complete chunks that hold records from an offset on.
 *
 * @param from The offset: that of the list, or of a time window.
 */
export async function keysFrom(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
  complete: CompleteChunks,
  from: number,
): Promise<KeySet> {
  const keys = new KeySet();
  for (const chunk of complete.keys()) {
    if (offsetOf(chunk + 1) <= from) continue;
    await readChunk(disk, chunkPath(dir, chunk), readKey, (key) => {
      keys.add(key);
    });
  }
  return keys;
}

/**
 * Removes what was set aside of a list, where the list holds all of it now.
 *
 * @param dir The list's directory.
 * @param outrun What this run itself read before the list changed, and read again.
 * @returns The names of those that stay beside the list.
 * @throws {StorageError} When the disk fails.
 */
export async function removeCovered(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
  outrun: ReadonlySet<string>,
): Promise<readonly string[]> {
  const stay: string[] = [];
  let keys: KeySet | null = null;
  for (const aside of await findAside(disk, dir)) {
    keys ??= await allKeys(disk, dir, readKey);
    const known = keys;
    const isGone = await removeReplaced(
      disk,
      aside,
      async () =>
        outrun.has(aside) || await isCovered(disk, aside, readKey, known),
    );
    if (!isGone) stay.push(relative(`${dir}/..`, aside));
  }
  return stay;
}

async function allKeys(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
): Promise<KeySet> {
  const keys = new KeySet();
  for (const chunk of await listChunks(disk, dir) ?? []) {
    const path = chunkPath(dir, chunk);
    const content = await readKeysOfChunk(disk, path, readKey);
    for (const key of content.keys) keys.add(key);
  }
  return keys;
}

/** Checks whether all records of a directory are among the keys. */
async function isCovered(
  disk: Disk,
  aside: string,
  readKey: ReadKey,
  keys: KeySet,
): Promise<boolean> {
  const entries = await listDir(disk, aside) ?? [];
  if (entries.some(({ name }) => !/^\d+\.jsonl(\.part)?$/.test(name))) {
    return false;
  }
  let lines = 0;
  let unread = 0;
  try {
    for await (const key of readKeys(disk, aside, readKey)) {
      lines++;
      if (key === null) unread++;
      else if (!keys.has(key)) return false;
    }
  } catch (error) {
    // What cannot be read may hold records.
    if (error instanceof StorageError) return false;
    throw error;
  }
  // A line without a key, such as one that is no JSON, can only be counted.
  return unread === 0 || lines <= keys.size;
}
