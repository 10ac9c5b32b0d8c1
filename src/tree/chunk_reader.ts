/**
 * Looks at the chunks of a list that an earlier run left, and fills the places
 * that it had to leave empty.
 */
import { TextLineStream } from "@std/streams";
import type { Disk, DiskFile } from "../core/runtime.ts";
import { chunkPath } from "./layout.ts";
import { joinLines } from "./chunk_writer.ts";
import { commit, listDir, onDisk, openPart, writeAll } from "./atomic_file.ts";

/**
 * How many chunks there are, counted from 1 without a break.
 *
 * @param dir The list's directory.
 * @throws {StorageError} When the disk refuses.
 */
export async function countChunks(disk: Disk, dir: string): Promise<number> {
  const names = new Set((await listDir(disk, dir))?.map(({ name }) => name));
  let chunks = 0;
  while (names.has(`${chunks + 1}.jsonl`)) chunks++;
  return chunks;
}

/**
 * Reads a chunk line by line.
 *
 * @param read Makes something of each line.
 * @returns What `read` made, in order.
 * @throws {StorageError} When the disk refuses.
 */
export async function readChunk<T>(
  disk: Disk,
  path: string,
  read: (line: string) => T,
): Promise<T[]> {
  return await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    const results: T[] = [];
    const lines = file.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) results.push(read(line));
    return results;
  });
}

/** Where records go in a chunk that lacks them. */
export interface Splice {
  readonly dir: string;
  /** Chunk number, from 1. */
  readonly chunk: number;
  /** Lines before the place. */
  readonly line: number;
}

/**
 * Rewrites a chunk with records put into their place.
 *
 * @returns The bytes that the records take.
 * @throws {StorageError} When the disk refuses.
 */
export async function spliceChunk(
  disk: Disk,
  splice: Splice,
  records: readonly Uint8Array[],
): Promise<number> {
  const path = chunkPath(splice.dir, splice.chunk);
  const lines = joinLines(records);
  const target = await openPart(disk, path);
  try {
    await onDisk(
      `rewrite ${path}`,
      async () => await copyAround(disk, path, target, splice, lines),
    );
  } catch (error) {
    target.close();
    throw error;
  }
  await commit(disk, path, target);
  return lines.length;
}

async function copyAround(
  disk: Disk,
  path: string,
  target: DiskFile,
  splice: Splice,
  lines: Uint8Array,
): Promise<void> {
  const source = await disk.open(path, { read: true });
  let before = splice.line;
  let pending = true;
  for await (const chunk of source.readable) {
    const head = lineEnds(chunk, before);
    before -= head.lines;
    await writeAll(target, path, chunk.subarray(0, head.bytes));
    if (before > 0) continue;
    if (pending) await writeAll(target, path, lines);
    pending = false;
    await writeAll(target, path, chunk.subarray(head.bytes));
  }
  if (pending) await writeAll(target, path, lines);
}

/** The bytes up to the end of so many lines, or all where there are fewer. */
function lineEnds(
  chunk: Uint8Array,
  wanted: number,
): { readonly bytes: number; readonly lines: number } {
  let bytes = 0;
  for (let lines = 0; lines < wanted; lines++) {
    const newline = chunk.indexOf(0x0a, bytes);
    if (newline === -1) return { bytes: chunk.length, lines };
    bytes = newline + 1;
  }
  return { bytes, lines: wanted };
}
