/**
 * Reads the chunks of a list back from disk. Checks what is on disk like an
 * answer of the API: no line is a record only because of its file's name.
 */
import { createHash } from "node:crypto";
import type { Disk } from "../../core/runtime/runtime.ts";
import { type FileSum, listDir, UNKNOWN_SUM } from "../write/atomic_file.ts";
import { chunkNumber, chunkPath } from "../layout.ts";
import { readLines } from "./lines.ts";

/**
 * Reads the key of a record from its line, or from the line's outline; throws
 * if it is not a record.
 */
export type ReadKey = (line: string) => string;

/** What a chunk holds. */
export interface ChunkContent {
  /** The keys of its records, in order. */
  readonly keys: readonly string[];
  /** How many lines there are, records or not. */
  readonly lines: number;
  /** Whether all of it could be read; the rest may hold records. */
  readonly isRead: boolean;
  /** Whether all of it was read, is whole records, and is what its sum says. */
  readonly isWhole: boolean;
}

/**
 * Reads whatever can be read of a chunk.
 *
 * @param path A plain file.
 * @param known What was written; without it, no sum is compared.
 */
export async function readChunk(
  disk: Disk,
  path: string,
  readKey: ReadKey,
  known?: FileSum,
): Promise<ChunkContent> {
  const isSummed = known !== undefined && known.sum !== UNKNOWN_SUM;
  const hash = isSummed ? createHash("sha256") : null;
  const keys: string[] = [];
  let lines = 0;
  let isTerminated = true;
  try {
    const batches = readLines(disk, path, {
      isOutlined: true,
      onBytes: (bytes) => void hash?.update(bytes),
    });
    for await (const batch of batches) {
      isTerminated = batch.isTerminated;
      lines += batch.texts.length;
      for (const text of batch.texts) {
        const key = text === null ? null : keyOf(text, readKey);
        if (key !== null) keys.push(key);
      }
    }
  } catch {
    return { keys, lines, isRead: false, isWhole: false };
  }
  const isWritten = hash === null || hash.digest("hex") === known!.sum;
  const isWhole = isTerminated && keys.length === lines && isWritten;
  return { keys, lines, isRead: true, isWhole };
}

function keyOf(text: string, readKey: ReadKey): string | null {
  try {
    return readKey(text);
  } catch {
    return null;
  }
}

/**
 * Lists the chunks of a list by their numbers.
 *
 * @param dir The list's directory.
 * @returns The numbers, in order; none if there is no such directory.
 */
export async function listChunks(
  disk: Disk,
  dir: string,
): Promise<readonly number[]> {
  const entries = await listDir(disk, dir) ?? [];
  return entries.flatMap(({ name }) => chunkNumber(name) ?? [])
    .sort((a, b) => a - b);
}

/**
 * Counts the records of a list that can be read.
 *
 * @param dir The list's directory.
 * @throws {StorageError} When the directory cannot be listed.
 */
export async function countRecords(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
): Promise<number> {
  let records = 0;
  for (const chunk of await listChunks(disk, dir)) {
    const { keys } = await readChunk(disk, chunkPath(dir, chunk), readKey);
    records += keys.length;
  }
  return records;
}
