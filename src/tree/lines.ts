/**
 * Reads a file line by line, many lines at once, in memory that does not grow
 * with the file. It judges nothing but UTF-8; the caller has seen that the path is a plain file.
 */
import { concat } from "../core/bytes.ts";
import type { Disk } from "../core/runtime.ts";
import { decodeUtf8 } from "../core/utf8.ts";

/** Lines that follow on each other. */
export interface LineBatch {
  /** The number of the first, from 1. */
  readonly first: number;
  /** Them, without their ends; `null` for what is not valid UTF-8 or too long. */
  readonly texts: readonly (string | null)[];
  /** Whether it is one line, longer than was to be read. */
  readonly isTooLong: boolean;
  /** Whether the last of them has its end. */
  readonly isTerminated: boolean;
}

/** How to read lines. */
export interface LineOptions {
  /** The longest line to be read, in bytes. */
  readonly maxLineBytes?: number;
  /** Bytes to be read at once; fewer leave less behind for the garbage collector. */
  readonly partBytes?: number;
  /** Gets all bytes in order, each good only until it returns. */
  readonly onBytes?: ((bytes: Uint8Array) => void) | undefined;
}

/** The longest line that is read unless asked otherwise, in bytes. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;
/** Bytes to be read at once. */
const PART_BYTES = 512 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the lines of a file.
 *
 * @param path A plain file.
 * @throws What the disk throws.
 */
export async function* readLines(
  disk: Disk,
  path: string,
  { maxLineBytes = MAX_LINE_BYTES, partBytes = PART_BYTES, onBytes }:
    LineOptions = {},
): AsyncGenerator<LineBatch, void> {
  /** What is behind the last line break. */
  let open: Uint8Array[] = [];
  let openBytes = 0;
  let first = 1;
  const batch = (texts: LineBatch["texts"], isTerminated: boolean) => {
    const isTooLong = texts.length === 1 && openBytes > maxLineBytes;
    const lines = { first, texts, isTooLong, isTerminated };
    first += texts.length;
    open = [];
    openBytes = 0;
    return lines;
  };
  for await (const part of readParts(disk, path, partBytes)) {
    onBytes?.(part);
    let from = 0;
    if (openBytes > maxLineBytes) {
      from = part.indexOf(NEWLINE) + 1;
      if (from === 0) continue;
      yield batch([null], true);
    }
    const end = part.lastIndexOf(NEWLINE);
    if (end >= from) {
      const lines = concat([...open, part.subarray(from, end)]);
      yield batch(decodeLines(lines), true);
      from = end + 1;
    }
    openBytes += part.length - from;
    if (openBytes > maxLineBytes) open = [];
    else if (from < part.length) open.push(part.slice(from));
  }
  if (openBytes > maxLineBytes) yield batch([null], false);
  else if (openBytes > 0) yield batch(decodeLines(concat(open)), false);
}

/** Reads a file's bytes; a part is good only until the next is asked for. */
async function* readParts(
  disk: Disk,
  path: string,
  partBytes: number,
): AsyncGenerator<Uint8Array, void> {
  const file = await disk.open(path, { read: true });
  let [part, ahead] = [new Uint8Array(partBytes), new Uint8Array(partBytes)];
  let reading = file.read(part);
  try {
    for (let size = await reading; size !== null; size = await reading) {
      // Reads ahead while the part is looked at.
      reading = file.read(ahead);
      yield part.subarray(0, size);
      [part, ahead] = [ahead, part];
    }
  } finally {
    // A reader that stops early leaves a read behind that is not awaited.
    await reading.catch(() => null);
    file.close();
  }
}

/** Decodes many lines at once, which is faster than one by one. */
function decodeLines(bytes: Uint8Array): readonly (string | null)[] {
  try {
    return decodeUtf8(bytes).split("\n");
  } catch {
    const texts: (string | null)[] = [];
    for (let from = 0; from <= bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline === -1 ? bytes.length : newline;
      texts.push(decodeLine(bytes.subarray(from, end)));
      from = end + 1;
    }
    return texts;
  }
}

/** Decodes a line; `null` where it is not valid UTF-8. */
export function decodeLine(bytes: Uint8Array): string | null {
  try {
    return decodeUtf8(bytes);
  } catch {
    return null;
  }
}
