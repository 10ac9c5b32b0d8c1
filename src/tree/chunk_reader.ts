/**
 * Reads the chunks of a list back from disk. What is on disk is input like an
 * answer of the API: a chunk is taken for what it is said to be only if all of
 * it was read and parsed.
 */
import { StorageError } from "../core/errors.ts";
import { CHUNK_RECORDS } from "../core/ranges.ts";
import type { Disk } from "../core/runtime.ts";
import { listDir, storageError } from "./atomic_file.ts";
import { chunkPath } from "./layout.ts";
import { readLines } from "./lines.ts";

/** Reads the key of a record from its line; throws where it is none. */
export type ReadKey = (line: string) => string;

/** What a chunk holds. */
export interface ChunkContent {
  readonly lines: number;
  /** The key of its first record; `null` where it has none. */
  readonly firstKey: string | null;
  readonly lastKey: string | null;
}

/**
 * Reads a chunk.
 *
 * @param path A plain file.
 * @param readKey Reads the key of a record.
 * @param onKey Gets each key, in order.
 * @returns What it holds; `null` where it is missing, cannot be read, or holds
 * anything but whole records.
 */
export async function readChunk(
  disk: Disk,
  path: string,
  readKey: ReadKey,
  onKey: (key: string) => unknown = () => {},
): Promise<ChunkContent | null> {
  let lines = 0;
  let firstKey: string | null = null;
  let lastKey: string | null = null;
  try {
    for await (const batch of readLines(disk, path)) {
      if (!batch.isTerminated) return null;
      for (const text of batch.texts) {
        if (text === null) return null;
        lastKey = readKey(text);
        firstKey ??= lastKey;
        onKey(lastKey);
        lines++;
      }
    }
  } catch {
    // Whatever is wrong with it, it is read again from the API.
    return null;
  }
  return { lines, firstKey, lastKey };
}

/**
 * Lists the chunks of a list by their numbers.
 *
 * @param dir The list's directory.
 * @returns The numbers, in order; `null` where there is no such directory.
 * @throws {StorageError} When the disk fails.
 */
export async function listChunks(
  disk: Disk,
  dir: string,
): Promise<readonly number[] | null> {
  const entries = await listDir(disk, dir);
  if (entries === null) return null;
  return entries.flatMap(({ name }) => {
    const [, number] = /^([1-9]\d{0,9})\.jsonl$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  }).sort((a, b) => a - b);
}

/**
 * Counts the chunks of a list, from 1 without a break.
 *
 * @param dir The list's directory.
 * @throws {StorageError} When the disk fails.
 */
export async function countChunks(disk: Disk, dir: string): Promise<number> {
  const numbers = await listChunks(disk, dir) ?? [];
  const end = numbers.findIndex((number, i) => number !== i + 1);
  return end === -1 ? numbers.length : end;
}

/**
 * Reads the keys of whatever can be read of a list's chunks.
 *
 * @param dir The list's directory.
 * @returns A key for every line; `null` where the line is no record.
 * @throws {StorageError} When a chunk cannot be read to its end.
 */
export async function* readKeys(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
): AsyncGenerator<string | null, void> {
  for (const number of await listChunks(disk, dir) ?? []) {
    const path = chunkPath(dir, number);
    try {
      for await (const batch of readLines(disk, path)) {
        for (const text of batch.texts) yield keyOf(text, readKey);
      }
    } catch (error) {
      throw storageError(`read ${path}`, error);
    }
  }
}

function keyOf(text: string | null, readKey: ReadKey): string | null {
  if (text === null) return null;
  try {
    return readKey(text);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    return null;
  }
}

/** Counts how many lines a chunk has, of a list of `total` records without gaps. */
export function linesOfChunk(chunk: number, total: number): number {
  const before = (chunk - 1) * CHUNK_RECORDS;
  return Math.max(0, Math.min(CHUNK_RECORDS, total - before));
}

/** The keys of what can be read of a chunk. */
export interface ChunkKeys {
  /** In order. */
  readonly keys: readonly string[];
  /** Whether the disk gave all of it; what it did not give may hold records. */
  readonly isRead: boolean;
}

/**
 * Reads the keys of whatever can be read of a chunk.
 *
 * @param path A plain file.
 */
export async function readKeysOfChunk(
  disk: Disk,
  path: string,
  readKey: ReadKey,
): Promise<ChunkKeys> {
  const keys: string[] = [];
  try {
    for await (const batch of readLines(disk, path)) {
      for (const text of batch.texts) {
        const key = keyOf(text, readKey);
        if (key !== null) keys.push(key);
      }
    }
    return { keys, isRead: true };
  } catch {
    return { keys, isRead: false };
  }
}
