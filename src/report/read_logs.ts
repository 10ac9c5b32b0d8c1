/**
 * Reads the newest Logs of a list for a person to look at: the ends of the list,
 * never all of it. Lists have no documented order, so both ends are looked at.
 */
import { basename, join } from "@std/path";
import { isObject, parseExactly } from "../core/json.ts";
import type { Disk, DiskFile } from "../core/runtime.ts";
import { decodeLines } from "../tree/lines.ts";
import { unreadable } from "../tree/plain_tree.ts";
import { type OnProblem, problemOf } from "../tree/tree_reader.ts";
import type { Fields } from "./values.ts";

/** One Log, and where it is. */
export interface ShownLog {
  /** The Log; `null` where it is too long to be shown, or no JSON. */
  readonly log: Fields | null;
  readonly chunk: number;
  /** From 1, or from -1, the last, where the lines before it were not counted. */
  readonly line: number;
}

/** The text of a line; `null` where it is too long, or not valid UTF-8. */
type Line = readonly [line: number, text: string | null];

/** Bytes that are read at first, at either end of a chunk. */
const FIRST_BYTES = 128 * 1024;
/** As many times more bytes are read while they hold too few lines. */
const GROWTH = 4;
/** The most bytes that are read at either end; few lines are in them where Logs are long. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Longer Logs are not looked into, in characters. */
const LONGEST_LOG = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the newest Logs.
 *
 * @param dir The export's directory.
 * @param chunks The list's chunks in order, below it.
 * @param most How many, at the most.
 * @returns Them, newest first.
 */
export async function newestLogs(
  disk: Disk,
  dir: string,
  chunks: readonly string[],
  most: number,
  onProblem: OnProblem,
): Promise<readonly ShownLog[]> {
  const read = async (path: string, ends: Ends): Promise<ShownLog[]> => {
    const chunk = parseInt(basename(path));
    try {
      const lines = await readEnds(disk, join(dir, path), ends);
      return lines.map(([line, text]) => ({ log: parse(text), chunk, line }));
    } catch (cause) {
      onProblem(problemOf(dir, path, "unreadable", unreadable(cause)));
      return [];
    }
  };
  const [oldest, ...others] = chunks;
  if (oldest === undefined) return [];
  const logs: ShownLog[] = [];
  for (const path of others.toReversed()) {
    const last = most - logs.length;
    if (last > 0) logs.unshift(...await read(path, { first: 0, last }));
  }
  const last = most - logs.length;
  logs.unshift(...await read(oldest, { first: most, last }));
  return logs.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, most);
}

/** Returns when it was created, in milliseconds; 0 where it does not say. */
function timeOf({ log }: ShownLog): number {
  const created = log?.["created_at"];
  const ms = typeof created === "string" ? Date.parse(created) : NaN;
  return Number.isNaN(ms) ? 0 : ms;
}

function parse(text: string | null): Fields | null {
  const value = text === null ? null : parseExactly(text);
  return isObject(value) ? value : null;
}

/** How many lines are wanted of either end of a chunk. */
interface Ends {
  readonly first: number;
  readonly last: number;
}

async function readEnds(
  disk: Disk,
  path: string,
  { first, last }: Ends,
): Promise<readonly Line[]> {
  const file = await disk.open(path, { read: true });
  try {
    const size = await file.seek(0, Deno.SeekMode.End);
    for (let length = FIRST_BYTES;; length *= GROWTH) {
      if (size <= 2 * length) {
        const texts = await readTexts(file, 0, size);
        return texts.map((text, i): Line => [i + 1, text])
          .filter((_, i) => i < first || i >= texts.length - last);
      }
      // Takes what was cut for too long; it is shown where too few lines are whole.
      const cut = async (from: number, at: number) =>
        (await readTexts(file, from, length)).with(at, null);
      const head = first > 0 ? await cut(0, -1) : [null];
      const tail = last > 0 ? await cut(size - length, 0) : [null];
      const isEnough = head.length > first && tail.length > last;
      if (!isEnough && length < MOST_BYTES) continue;
      return [
        ...head.map((text, i): Line => [i + 1, text]).slice(0, first),
        ...tail.map((text, i): Line => [i - tail.length, text])
          .filter(([line]) => line >= -last),
      ];
    }
  } finally {
    file.close();
  }
}

/** Reads a part of a chunk as lines, of which the first and the last may be cut. */
async function readTexts(
  file: DiskFile,
  from: number,
  length: number,
): Promise<(string | null)[]> {
  const bytes = new Uint8Array(length);
  await file.seek(from, Deno.SeekMode.Start);
  let size = 0;
  while (size < length) {
    const read = await file.read(bytes.subarray(size));
    if (read === null) break;
    size += read;
  }
  const end = bytes[size - 1] === NEWLINE ? size - 1 : size;
  if (end < 1) return [];
  return decodeLines(bytes.subarray(0, end))
    .map((text) => text !== null && text.length > LONGEST_LOG ? null : text);
}
