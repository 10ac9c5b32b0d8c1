/** Reads a file once: its sum, and its lines one after the other. */
import { createHash } from "node:crypto";
import { decodeUtf8 as decode } from "../core/utf8.ts";
import { concat } from "../core/bytes.ts";
import { onDisk } from "../tree/atomic_file.ts";
import type { Disk, DiskFile } from "../core/runtime.ts";

/** What reading a file told. */
export interface ReadFile {
  /** SHA-256, in hexadecimal. */
  readonly sum: string;
  readonly bytes: number;
  /** Whether its last line is without an end. */
  readonly torn: boolean;
}

/** Gets a line without its end, `null` where it is no UTF-8, and its number from 1. */
export type OnLine = (line: string | null, number: number) => void;

const NEWLINE = 0x0a;
/** Bytes to be read at once. */
const PART = 512 * 1024;

/**
 * Reads a file.
 *
 * @param disk The disk.
 * @param path The file.
 * @param onLine Gets each line; without it, only the sum is wanted.
 * @throws {StorageError} When the disk refuses.
 */
export async function readLines(
  disk: Disk,
  path: string,
  onLine?: OnLine,
): Promise<ReadFile> {
  return await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    const hash = createHash("sha256");
    /** What stands behind the last end of a line. */
    let begun: Uint8Array[] = [];
    let bytes = 0;
    let number = 0;
    const tell = (lines: Uint8Array) => {
      for (const line of linesOf(lines)) onLine?.(line, ++number);
    };
    for await (const part of partsOf(file)) {
      hash.update(part);
      bytes += part.length;
      const end = part.lastIndexOf(NEWLINE);
      if (end !== -1) {
        tell(concat([...begun, part.subarray(0, end)]));
        begun = [];
      }
      if (end < part.length - 1) begun.push(part.slice(end + 1));
    }
    if (begun.length > 0) tell(concat(begun));
    return { sum: hash.digest("hex"), bytes, torn: begun.length > 0 };
  });
}

/** The file's bytes; a part is good only until the next is asked for. */
async function* partsOf(file: DiskFile): AsyncGenerator<Uint8Array, void> {
  try {
    let [now, ahead] = [new Uint8Array(PART), new Uint8Array(PART)];
    let reading = file.read(now);
    for (let size = await reading; size !== null; size = await reading) {
      // The disk is read while the part is looked at.
      reading = file.read(ahead);
      yield now.subarray(0, size);
      [now, ahead] = [ahead, now];
    }
  } finally {
    file.close();
  }
}

/** Many lines decoded at once, which is faster than one by one. */
function linesOf(bytes: Uint8Array): readonly (string | null)[] {
  try {
    return decode(bytes).split("\n");
  } catch {
    if (!bytes.includes(NEWLINE)) return [null];
    const end = bytes.indexOf(NEWLINE);
    return [
      ...linesOf(bytes.subarray(0, end)),
      ...linesOf(bytes.subarray(end + 1)),
    ];
  }
}
